"""The front door: one loaded model with its family, plugins and lock, and what can be asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from inspector.errors import Cancelled, ForwardError
from inspector.models import Family, Inputs, Loaded, Options, Request, find, load_model
from inspector.models.facts import processor_facts, rotary_facts
from inspector.models.shape_only import shape_only as on_shapes
from inspector.plugins import Plugins
from inspector.recording import Recorder, Report, Wanted, exclusive
from inspector.recording.report import size_of
from inspector.tokens import read_tokens
from inspector.trace import ModelInfo, Trace

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedTokenizerBase

    from inspector.models import Message, Processor

Globs = str | Sequence[str]


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
    """Load a model: `preset:NAME`, a directory, `owner/name` from the hub's cache or the hub, or `demo:NAME`.

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
        return self.family.inputs(request, self.processor, self.config)

    def trace(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        images: str | Path | Image | Sequence[str | Path | Image] = (),
        messages: Sequence[Message] | Sequence[Sequence[Message]] | None = None,
        system: str | None = None,
        raw: bool = False,
        inputs: Inputs | Mapping[str, torch.Tensor] | None = None,
        stats: bool = False,
        values: Globs = (),
        budget: int | None = None,
        flow: bool = True,
        on_call: Callable[[int], None] | None = None,
        cancel: Event | None = None,
    ) -> Trace:
        """Run one forward and return its trace.

        Several prompts are a batch, padded on the left. `messages` is a conversation, or several. `inputs` are the
        forward's own keyword arguments, for who has them already. `stats` measures every tensor, `values` keeps those
        whose module path (or `path:port`) matches a glob; beyond `budget` bytes they go to disk. `flow` follows tensors
        through the functions between modules. `on_call` is called with the number of calls begun so far; setting `cancel` stops the forward.

        Raises `InputError` for what cannot be encoded; `ForwardError` when the model raises, its `trace` holding
        everything up to there; `Cancelled`.
        """
        encoded = self._inputs(inputs, prompt, images, messages, system, raw)
        wanted = Wanted(stats=stats, values=_globs(values), budget=budget, flow=flow)
        notices = [*self.notices, *encoded.notices]
        facts = {**processor_facts(self.processor), **encoded.facts}
        trace = Trace(self.info, texts=encoded.texts, media=encoded.media, notices=notices, facts=facts)
        recorder = Recorder(self.model, wanted, probes=self.plugins.probes, on_call=on_call, cancel=cancel)
        try:
            with exclusive(self.model), torch.no_grad(), self._mode(trace), recorder:
                self.model(**self._to_device(encoded.tensors))
        except Cancelled:
            raise
        except Exception as error:
            self._fill(trace, recorder)
            raise ForwardError(failure_message(trace, error), trace) from error
        self._fill(trace, recorder)
        return trace

    def _inputs(
        self,
        inputs: Inputs | Mapping[str, torch.Tensor] | None,
        prompt: str | Sequence[str] | None,
        images: Any,
        messages: Any,
        system: str | None,
        raw: bool,
    ) -> Inputs:
        if inputs is not None:
            return inputs if isinstance(inputs, Inputs) else Inputs(dict(inputs))
        return self.encode(make_request(prompt, images, messages, system, raw))

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

    def _to_device(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs where the model takes them, floating-point ones in its dtype, as `generate` would cast them; numbers
        about media, such as the seconds of a video's frames, stay as exact as they are.

        They stay on the CPU in shape-only mode, where some models look at pixels to tell pictures from padding, and for a
        model that is spread over devices, which moves them by itself.
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
    flow: bool = True,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> Iterator[Trace]:
    """Record every forward of a model that you already have: `with inspector.capture(model) as trace: model(**inputs)`.

    The trace is empty inside the block and filled when it ends, also when it ends with an exception, which passes
    through unchanged. See `Session.trace` for `stats`, `values`, `budget` and `flow`; with a `tokenizer`, tokens carry their
    text.

    Raises `ModelError` inside another capture of the same model on the same thread.
    """
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
            fill(trace, recorder, family, config, tokenizer)


def fill(
    trace: Trace,
    recorder: Recorder,
    family: Family,
    config: Any,
    tokenizer: PreTrainedTokenizerBase | None,
) -> None:
    """Put what a recorder has seen into a trace."""
    report = Report(recorder, family.role)
    trace.modules = report.modules()
    trace.calls = report.calls()
    trace.values = report.values
    trace.failure = report.failure()
    trace.config = config_json(config)
    trace.facts = {**trace.facts, **model_facts(recorder.model, family, config)}
    trace.notices += [*recorder.notices, *recorder.keeper.notices]
    trace.tokens = read_tokens(trace, family, config, tokenizer)


def describe_model(model: nn.Module, reference: str, family: Family, *, shape_only: bool = False) -> ModelInfo:
    """The header of a trace."""
    first = next(model.parameters(), None)
    dtype = getattr(model, "dtype", None) or (first.dtype if first is not None else torch.float32)
    device = "cpu" if first is None else "meta" if shape_only else str(first.device)
    return ModelInfo(
        reference=reference,
        family=family.name,
        class_name=type(model).__name__,
        parameters=size_of(model)[0],
        dtype=str(dtype).removeprefix("torch."),
        device=device,
        attention=getattr(getattr(model, "config", None), "_attn_implementation", None),
        shape_only=shape_only,
    )


def config_json(config: Any) -> dict[str, Any]:
    """A configuration of transformers as `config.json` holds it, defaults written out; empty for anything else."""
    if not hasattr(config, "to_json_string"):
        return {}
    found: dict[str, Any] = json.loads(config.to_json_string(use_diff=False))
    return found


def model_facts(model: nn.Module, family: Family, config: Any) -> dict[str, Any]:
    """What views read of a model beside its configuration: see `Trace.facts`."""
    facts: dict[str, Any] = {"rotary": rotary_facts(model)}
    if hasattr(config, "to_dict"):
        facts["vision"] = family.layout(config).to_json()
    return facts


def failure_message(trace: Trace, error: Exception) -> str:
    """What failed, where, and what was raised, in two lines."""
    failure = trace.failure
    what = f"{type(error).__name__}: {error}"
    if failure is None:
        return f"The forward failed before the first module ran.\n{what}"
    where = f" ({failure.file}:{failure.line})" if failure.file else ""
    advice = ""
    if isinstance(error, torch.OutOfMemoryError):
        advice = "\nA lower --dtype, --device cpu, a smaller picture or --shape-only needs less memory."
    return f"The forward failed in {failure.path or 'the model itself'}, {failure.class_name}{where}.\n{what}{advice}"


def make_request(
    prompt: str | Sequence[str] | None, images: Any, messages: Any, system: str | None, raw: bool
) -> Request:
    """The arguments of `Session.trace` as a request: single things become tuples of one."""
    one_image = isinstance(images, (str, Path)) or not isinstance(images, Sequence)
    one_conversation = bool(messages) and isinstance(messages[0], Mapping)
    return Request(
        prompts=() if prompt is None else (prompt,) if isinstance(prompt, str) else tuple(prompt),
        images=(images,) if one_image else tuple(images),
        messages=() if not messages else (messages,) if one_conversation else tuple(messages),
        system=system,
        raw=raw,
    )


def _globs(values: Globs) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)
