"""What the views read from a trace: one record for each forward of the whole model.

Integers are kept in every trace, so that ids, positions and where features went are there also without weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inspector import Call, InputError, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

ROTARY, MERGE = "QwenRotaryEmbedding", "ImageMerge"
PROJECTORS = ("ClipQwenProjector", "LlavaMultiModalProjector")
CONFIGURATIONS = ("clip_qwen", "qwen", "llava")
HELP = (
    "This view is of CLIP + Qwen, of the Qwen decoder of the first generation, and of CLIP + Qwen2 in a Llava; the "
    "trace is of a model of the type {kind!r}."
)


@dataclass(frozen=True)
class Forward:
    """One forward. `calls` are those that ran in it; `root` is that of the whole model."""

    trace: Trace
    root: Call
    calls: tuple[Call, ...]

    @property
    def step(self) -> int:
        return self.root.step

    @cached_property
    def merge(self) -> Call | None:
        """The call that spliced picture features into the sequence; None for a Llava, whose ids have room for them."""
        return self._of_class(MERGE)

    @cached_property
    def rotary(self) -> Call | None:
        """The call that turned positions into rotations."""
        own = self._of_class(ROTARY)
        return own or next((call for call in self.calls if call.class_name == "Qwen2RotaryEmbedding"), None)

    @cached_property
    def projector(self) -> Call | None:
        return next((call for call in self.calls if call.class_name in PROJECTORS), None)

    @cached_property
    def ids(self) -> Tensor | None:
        """i64 [batch, tokens], as they were given."""
        return kept(self.trace, self.root, "input.input_ids")

    @cached_property
    def mask(self) -> Tensor | None:
        """i64 [batch, tokens], as it was given."""
        return kept(self.trace, self.root, "input.attention_mask")

    @cached_property
    def positions(self) -> Tensor | None:
        """i64 [batch or 1, tokens]: the rows of the rotary table that were applied."""
        return None if self.rotary is None else kept(self.trace, self.rotary, "input.position_ids")

    @property
    def tokens(self) -> int | None:
        """How many tokens the decoder was given: with pictures, more than there are ids."""
        return width(self.rotary, "input.position_ids")

    @property
    def keys(self) -> int | None:
        """How many tokens they could see, those in the cache included."""
        return width(self.rotary, "input.key_position_ids") or self.tokens

    @property
    def past(self) -> int:
        """How many tokens stood in the cache."""
        return (self.keys or 0) - (self.tokens or 0)

    @property
    def pictures(self) -> int:
        info = self.root.inputs.get("input.pixel_values")
        return info.shape[0] if isinstance(info, TensorInfo) else 0

    @property
    def batch(self) -> int:
        info = self.root.inputs.get("input.input_ids") or self.root.inputs.get("input.inputs_embeds")
        return info.shape[0] if isinstance(info, TensorInfo) else 1

    @cached_property
    def image_token_id(self) -> int | None:
        config = self.trace.config
        found = config.get("image_token_id", config.get("image_token_index"))
        return found if isinstance(found, int) else None

    def placeholders(self) -> list[int]:
        """How many stand in each row of the ids."""
        if self.ids is None or self.image_token_id is None:
            return []
        return [int(count) for count in (self.ids == self.image_token_id).sum(1)]

    def at(self, path: str) -> Call | None:
        """The first call of the module at `path`."""
        return next((call for call in self.calls if call.path == path), None)

    def _of_class(self, name: str) -> Call | None:
        return next((call for call in self.calls if call.class_name == name), None)


def forwards(trace: Trace) -> list[Forward]:
    """Every forward of the whole model. Raises `InputError` for a trace of another kind of model."""
    kind = str(trace.config.get("model_type", ""))
    if kind not in CONFIGURATIONS:
        raise InputError(HELP.format(kind=kind))
    by_step: dict[int, list[Call]] = {}
    for call in trace.calls:
        by_step.setdefault(call.step, []).append(call)
    return [Forward(trace, root, tuple(calls)) for calls in by_step.values() for root in _roots(calls)]


def chosen(trace: Trace, step: str) -> Forward:
    """The forward that a view is asked for; the first where it is not said. Raises `InputError`."""
    every = forwards(trace)
    if not every:
        raise InputError("This trace holds no forward.")
    if not step:
        return every[0]
    found = next((forward for forward in every if str(forward.step) == step), None)
    if found is None:
        raise InputError(f"There is no step {step!r}; the trace has the steps 0 to {every[-1].step}.")
    return found


def number(name: str, given: str, most: int) -> int:
    """An option that counts from 0; 0 where it is not given. Raises `InputError`."""
    if not given:
        return 0
    if not given.isdecimal() or int(given) >= most:
        raise InputError(f"--{name} is a number from 0 to {most - 1}, not {given!r}.")
    return int(given)


def kept(trace: Trace, call: Call, port: str) -> Tensor | None:
    """The tensor at a port, where its value was kept."""
    info = {**call.inputs, **call.outputs}.get(port)
    return trace.value(call, port) if isinstance(info, TensorInfo) and info.value is not None else None


def width(call: Call | None, port: str) -> int | None:
    """The last axis of the tensor at a port."""
    info = None if call is None else call.ports().get(port)
    return info.shape[-1] if isinstance(info, TensorInfo) else None


def text_config(trace: Trace) -> Mapping[str, Any]:
    """The configuration of the decoder."""
    found = trace.config.get("text_config", trace.config)
    return found if isinstance(found, Mapping) else {}


def _roots(calls: list[Call]) -> Iterator[Call]:
    yield from (call for call in calls if call.parent is None)
