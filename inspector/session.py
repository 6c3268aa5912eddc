"""The front door: one loaded model with its family, plugins and lock, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from inspector.errors import Cancelled, ForwardError, InputError, ModelError
from inspector.filling import describe_model, failure_message, fill
from inspector.models import Family, Inputs, Loaded, Options, Request, find, load_model
from inspector.models.facts import processor_facts
from inspector.models.inputs import make_request
from inspector.models.shape_only import shape_only as on_shapes
from inspector.plugins import Plugins
from inspector.recording import Recorder, Wanted, exclusive
from inspector.trace import Trace

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import LogitsProcessor, PreTrainedTokenizerBase

    from inspector.generation.generation import Generation
    from inspector.models import Message, Processor

Globs = str | Sequence[str]
Clips: TypeAlias = "str | Path | Sequence[Image | str | Path | Sequence[Image]]"
"""One video, or several."""


def load(
    reference: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    attention: str | None = None,
    shape_only: bool = False,
    random_weights: bool = False,
    vision: str | Path | None = None,
    adapter: str | Path | None = None,
    faithful: bool = False,
    trust_remote_code: bool = False,
    plugins: Plugins | None = None,
    progress: Callable[[str, float | None], None] | None = None,
) -> Session:
    """Load a model: `preset:NAME`, a directory, or `owner/name` from the hub's cache or the hub.

    `attention` is transformers' implementation name (sdpa, eager, flash_attention_2). `shape_only` runs without
    weights; a preset does so unless `random_weights` asks for the published architecture with random ones. `progress`
    is called with the stage and, where it is known, the fraction done.

    Raises `UnknownReference` when nothing is found under the reference, `ModelError` when it cannot be loaded as asked.
    """
    options = Options(
        device=device,
        dtype=dtype,
        attention=attention,
        shape_only=shape_only,
        random_weights=random_weights,
        vision=None if vision is None else Path(vision),
        adapter=None if adapter is None else Path(adapter),
        faithful=faithful,
        trust_remote_code=trust_remote_code,
    )
    found = Plugins.installed() if plugins is None else plugins
    source = find(str(reference), found.presets)
    return Session(load_model(source, options, found.families, progress), found)


class Session:
    """A loaded model. One forward runs at a time: a second one waits for the first."""

    def __init__(self, loaded: Loaded, plugins: Plugins) -> None:
        self.model = loaded.model
        self.config = loaded.config
        self.family: Family = loaded.family
        self.processor: Processor = loaded.processor
        self.reference = loaded.reference
        self.shape_only = loaded.shape_only
        self.plugins = plugins
        self.notices = list(loaded.notices)
        self.info = describe_model(self.model, self.reference, self.family, shape_only=self.shape_only)

    def __repr__(self) -> str:
        return f"<Session {self.reference}: {self.info.class_name}, {self.info.parameters:,} parameters>"

    def encode(self, request: Request) -> Inputs:
        """What the family makes of a request, on the CPU. Raises `InputError`."""
        inputs = self.family.inputs(request, self.processor, self.config)
        inputs.facts = {**processor_facts(self.processor), **inputs.facts}
        return inputs

    def trace(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        images: str | Path | Image | Sequence[str | Path | Image] = (),
        videos: Clips = (),
        fps: float | None = None,
        frames: int | None = None,
        messages: Sequence[Message] | Sequence[Sequence[Message]] | None = None,
        system: str | None = None,
        raw: bool = False,
        inputs: Inputs | Mapping[str, torch.Tensor] | None = None,
        stats: bool = False,
        values: Globs = (),
        optional: Globs = (),
        budget: int | None = None,
        flow: bool = True,
        on_call: Callable[[int], None] | None = None,
        cancel: Event | None = None,
    ) -> Trace:
        """Run one forward and return its trace.

        Several prompts are a batch, padded on the left. `videos` are files, directories of frames, or lists of
        pictures; of each, `fps` frames a second are taken, or a number of `frames`. `messages` is a conversation, or
        several. `inputs` are the forward's own keyword arguments, for who has them already. `stats` measures every
        tensor, `values` keeps those whose module path (or `path:port`) matches a glob (one that is `optional` too may
        match nothing without a word); beyond `budget` bytes they go to disk. `flow` follows tensors through the
        functions between modules. `on_call` is called with the number of calls begun so far; setting `cancel` stops the
        forward.

        Raises `InputError` for what cannot be encoded; `ForwardError` when the model raises, its `trace` holding
        everything up to there; `Cancelled`.
        """
        encoded = self._inputs(inputs, make_request(prompt, images, messages, system, raw, videos, fps, frames))
        wanted = Wanted(stats, _globs(values), budget, flow=flow, optional=_globs(optional))
        notices = [*self.notices, *encoded.notices]
        trace = Trace(self.info, texts=encoded.texts, media=encoded.media, notices=notices, facts=encoded.facts)
        recorder = Recorder(self.model, wanted, probes=self.plugins.probes, on_call=on_call, cancel=cancel)
        try:
            with exclusive(self.model), torch.no_grad(), self._mode(trace), recorder:
                self.model(**self.to_device(encoded.tensors))
        except Cancelled:
            raise
        except Exception as error:
            self._fill(trace, recorder)
            raise ForwardError(failure_message(trace, error), trace) from error
        self._fill(trace, recorder)
        return trace

    def generate(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        images: str | Path | Image | Sequence[str | Path | Image] = (),
        videos: Clips = (),
        fps: float | None = None,
        frames: int | None = None,
        messages: Sequence[Message] | Sequence[Sequence[Message]] | None = None,
        system: str | None = None,
        raw: bool = False,
        inputs: Inputs | Mapping[str, torch.Tensor] | None = None,
        seed: int | None = None,
        logits_processor: Sequence[LogitsProcessor | str] = (),
        calls: bool = False,
        stats: bool = False,
        values: Globs = (),
        budget: int | None = None,
        top: int = 10,
        **options: Any,
    ) -> Generation:
        """A generation that is stepped: `for step in session.generate("…", max_new_tokens=20): …`. Nothing runs before
        the first step is asked for.

        `options` are those of transformers' `generate`, under its own names: the generation configuration's, and
        `assistant_model` (a model or a session), `assistant_tokenizer`, `stopping_criteria`, `negative_prompt_ids`,
        `prefix_allowed_tokens_fn`. `logits_processor` may also name processors that plugins offer. With the same `seed`
        the sequences are those of `torch.manual_seed(seed)` and plain `generate`; without one, a seed is drawn from
        torch's own numbers. `calls` records the model's calls of every step, as `stats` and `values` do in more detail.
        `top` is the length of the tables of tokens. The other arguments are those of `trace`.

        Raises `InputError` for what cannot be encoded, unknown options and values out of range.
        """
        from inspector.generating import begin

        encoded = self._inputs(inputs, make_request(prompt, images, messages, system, raw, videos, fps, frames))
        recorded = calls or stats or bool(values)
        wanted = Wanted(stats=stats, values=_globs(values), budget=budget) if recorded else None
        processors = list(logits_processor)
        return begin(self, encoded, seed=seed, processors=processors, calls=wanted, top=top, arguments=options)

    def _inputs(self, inputs: Inputs | Mapping[str, torch.Tensor] | None, request: Request) -> Inputs:
        if inputs is not None:
            return inputs if isinstance(inputs, Inputs) else Inputs(dict(inputs))
        return self.encode(request)

    @contextmanager
    def _mode(self, trace: Trace) -> Iterator[None]:
        """Shape-only where the model has no weights; what had to be assumed is said in the trace."""
        if not self.shape_only:
            yield
            return
        with on_shapes(self.model) as mode:
            try:
                yield
            finally:
                trace.notices += mode.notices

    def to_device(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs where the model takes them, floating-point ones in its dtype, as `generate` would cast them; numbers
        about media, such as the seconds of a video's frames, stay as exact as they are.

        They stay on the CPU in shape-only mode, where some models look at pixels to tell pictures from padding, and for
        a model that is spread over devices, which moves them by itself.
        """
        spread = getattr(self.model, "hf_device_map", None)
        device = torch.device("cpu") if self.shape_only or spread else self.model.device
        return {
            name: item.to(device, self.model.dtype if item.is_floating_point() and item.ndim > 1 else None)
            if isinstance(item, torch.Tensor)
            else item
            for name, item in tensors.items()
        }

    def _fill(self, trace: Trace, recorder: Recorder) -> None:
        fill(trace, recorder, self.family, self.config, self.processor.tokenizer)


@contextmanager
def capture(
    model: nn.Module,
    *,
    stats: bool = False,
    values: Globs = (),
    budget: int | None = None,
    flow: bool = False,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> Iterator[Trace]:
    """Record every forward of a model that you already have: `with inspector.capture(model) as trace: model(**inputs)`.

    The trace is empty inside the block and filled when it ends, also when it ends with an exception, which passes
    through unchanged. See `Session.trace` for `stats`, `values`, `budget` and `flow`, which is off here because it
    costs more than all the rest when a model decodes token by token; with a `tokenizer`, tokens carry
    their text.

    Raises `ModelError` for what is no module, and inside another capture of the same model on the same thread.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"A torch.nn.Module was expected; there is a {type(model).__name__}.")
    config = getattr(model, "config", None)
    plugins = Plugins.installed()
    family = next((family for family in plugins.families if config and family.matches(config)), Family())
    trace = Trace(describe_model(model, getattr(config, "_name_or_path", "") or type(model).__name__, family))
    wanted = Wanted(stats=stats, values=_globs(values), budget=budget, flow=flow)
    recorder = Recorder(model, wanted, probes=plugins.probes)
    with exclusive(model):
        try:
            with recorder:
                yield trace
        finally:
            try:
                fill(trace, recorder, family, config, tokenizer)
            except Exception as error:  # what the block gave or raised is worth more than its recording
                trace.notices.append(f"The recording could not be put together: {type(error).__name__}: {error}")


def _globs(values: Globs | None) -> tuple[str, ...]:
    if values is None or isinstance(values, str):
        return () if values is None else (values,)
    if not isinstance(values, Iterable):
        raise InputError(f"Values are asked for by globs over module paths, such as '*.mlp'; there is {values!r}.")
    return tuple(values)
