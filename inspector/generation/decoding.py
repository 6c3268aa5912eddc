"""One run of the library's loop: begun, pulled step by step, changed while it stands still, and ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inspector.generation.loop import LoopWatch, Progress, Start
from inspector.generation.options import hushed
from inspector.generation.pipeline import Criteria, Pipeline
from inspector.generation.processors import Entry
from inspector.generation.pulled import Channel, Pulled
from inspector.generation.randomness import Randomness
from inspector.generation.record import cache_of
from inspector.generation.settings import Prepared, Settings, criteria, named
from inspector.generation.state import RopeDeltas, shapes_of
from inspector.generation.stepped import stepped
from inspector.recording.recorder import passed_through

ASSISTANT = ("assistant_model", "assistant_tokenizer", "tokenizer")
"""Arguments of `generate` that assisted decoding is handed."""

BEAMS = frozenset({"beam_search", "beam_sample"})
"""transformers' names of the modes that keep several beams."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a generation was asked, the same for all of its branches.

    `inputs` are the tensors of the prompt on the model's device, `given` the arguments of `generate` that are no
    options: assistant and tokenizers, own criteria, a function that allows tokens. `check` is called before every
    forward, and may raise to end the loop; `number` after each, for the number of the one that was made.
    """

    model: Any
    tokenizer: Any
    inputs: Mapping[str, Any]
    given: Mapping[str, Any]
    check: Callable[[], None]
    number: Callable[[], int]


@dataclass(slots=True)
class Resumed:
    """A loop that begins in the middle: the tokens so far i64 [rows, tokens], the model's arguments cut to them, the
    raw logits of the next step where they are known, and the rows that have ended. `shapes` are those of the arguments
    before the first generated token. `forward` is the number of the forward that put the logits out. `from_prefix` runs
    the whole sequence again, on the empty cache among `kwargs`.
    """

    sequences: Tensor
    kwargs: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    logits: Tensor | None
    ended: list[bool]
    forward: int = -1
    from_prefix: bool = False


class Decoding:
    """A loop that stands still between two pulls.

    Nothing has run before the first pull; after it, `prepared` tells what `generate` made of the request, and the
    pipeline and the criteria may be changed for the steps to come.
    """

    def __init__(
        self,
        job: Job,
        settings: Settings,
        randomness: Randomness,
        ropes: RopeDeltas,
        *,
        prepared: Prepared | None = None,
        entries: list[Entry] | None = None,
        resumed: Resumed | None = None,
        forced: Mapping[int | None, int] | None = None,
    ) -> None:
        self.job = job
        self.randomness = randomness
        self.ropes = ropes
        self.run = _Run(job, settings, prepared, entries, resumed, forced or {})
        self._pulled: Pulled[Progress] = Pulled(self.run, "inspector-generation")

    @property
    def ended(self) -> bool:
        return self._pulled.ended

    @property
    def started(self) -> bool:
        """Whether the loop has begun: `generate` has prepared everything and handed over."""
        return hasattr(self.run, "watch")

    @property
    def prepared(self) -> Prepared:
        assert self.run.prepared is not None
        return self.run.prepared

    def pull(self) -> Progress | None:
        """The next step, or the error of a processor that the loop survived; None where the loop is over. Raises what
        ended the loop."""
        with self.randomness.installed(), self.ropes.installed():
            return self._pulled.pull()

    def close(self) -> None:
        """End the loop and its thread; what it left stays readable."""
        self._pulled.close()


class _Run:
    """What the thread executes. It knows nothing of the `Decoding`, whose end shall end the thread."""

    def __init__(
        self,
        job: Job,
        settings: Settings,
        prepared: Prepared | None,
        entries: list[Entry] | None,
        resumed: Resumed | None,
        forced: Mapping[int | None, int],
    ) -> None:
        self.prepared = prepared
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.watch: LoopWatch
        self._job = job
        self._settings = settings
        self._entries = entries
        self._resumed = resumed
        self._forced = forced
        self._channel: Channel[Progress]

    def in_model(self, error: BaseException) -> bool:
        """Whether an exception that ended the loop came out of the model: of a forward, or of a part that `generate`
        runs before its loop, such as a vision tower.
        """
        if hasattr(self, "watch"):
            return self.watch.in_forward
        return any(
            passed_through(error, module) for module in self._job.model.modules() if module is not self._job.model
        )

    def __call__(self, channel: Channel[Progress]) -> None:
        self._channel = channel
        device = self._job.model.device
        with ExitStack() as stack:
            if device.type == "cuda":
                stack.enter_context(torch.cuda.device(device))
            stack.enter_context(torch.no_grad())
            if self._resumed is None:
                output = generate(self._job, self._settings, self._begin)
            else:
                output = self._resume(self._resumed)
        self.watch.finish(output)

    def _begin(
        self,
        input_ids: Tensor,
        inputs_tensor: Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **kwargs: Any,
    ) -> Any:
        """`generate` has prepared everything; the loop that it would have run begins."""
        own = list(self._job.given.get("stopping_criteria") or ())
        mode = str(generation_config.get_generation_mode(self._job.given.get("assistant_model")).value)
        self.prepared = Prepared(mode, generation_config, input_ids, inputs_tensor, kwargs.get("attention_mask"), own)
        self.shapes = shapes_of(kwargs)
        entries = [entry for entry in named(logits_processor, self._settings) if entry.name not in self._settings.off]
        return self._loop(input_ids, entries, list(stopping_criteria), None, kwargs)

    def _resume(self, resumed: Resumed) -> Any:
        """The same loop from a later token on, with nothing of its past run again."""
        assert self.prepared is not None
        assert self._entries is not None
        self.shapes = resumed.shapes
        made = criteria(self._job.model, self.prepared.config, self.prepared.criteria, self._job.tokenizer)
        start = None if resumed.from_prefix else Start(resumed.logits, cache_of(resumed.kwargs), resumed.forward)
        return self._loop(resumed.sequences, self._entries, made, start, resumed.kwargs, resumed.ended)

    def _loop(
        self,
        input_ids: Tensor,
        entries: list[Entry],
        made: list[Any],
        start: Start | None,
        kwargs: dict[str, Any],
        ended: list[bool] | None = None,
    ) -> Any:
        from transformers.generation.utils import GENERATION_MODES_MAPPING

        assert self.prepared is not None
        mode, model = self.prepared.mode, self._job.model
        self.watch = watch = LoopWatch(
            input_ids, is_beam_search=mode in BEAMS, start=start, check=self._job.check, number=self._job.number
        )
        watch.pipeline = Pipeline(entries, watch.failed)
        watch.criteria = Criteria(made, watch.called)
        if ended is not None and any(ended):
            watch.keep_ended(torch.tensor(ended, device=input_ids.device), self.prepared.config._pad_token_tensor)
        if self._forced:
            watch.pipeline.forcing.force(self._forced, input_ids.shape[1])
        method = getattr(type(model), GENERATION_MODES_MAPPING[mode])
        if mode == "assisted_generation":
            kwargs |= {name: self._job.given.get(name) for name in ASSISTANT}
            kwargs["inputs_tensor"] = self.prepared.inputs
        watch.begin(self._channel, kwargs)
        return method(
            stepped(model, watch),
            input_ids,
            logits_processor=watch.pipeline,
            stopping_criteria=watch.criteria,
            generation_config=self.prepared.config,
            **kwargs,
        )


def generate(job: Job, settings: Settings, loop: Callable[..., Any]) -> Any:
    """Let `generate` prepare a request, then run `loop` with what it prepared in place of its own."""
    from transformers import StopStringCriteria

    options, inputs = dict(settings.options), dict(job.inputs)
    own = {name: value for name, value in job.given.items() if name not in ASSISTANT}
    # Given a loop of its own, generate loses the tokenizer on the way to it: what needs it is done here.
    stop_strings = options.pop("stop_strings", None) or job.model.generation_config.stop_strings
    if options.get("token_healing"):
        inputs["input_ids"] = job.model.heal_tokens(inputs["input_ids"], job.tokenizer)
    options.update(stop_strings=None, token_healing=False)
    with ExitStack() as preparing:

        def decode(model: Any, input_ids: Tensor, inputs_tensor: Any = None, **prepared: Any) -> Any:
            preparing.close()
            if stop_strings is not None:
                made = StopStringCriteria(stop_strings=stop_strings, tokenizer=job.tokenizer)
                prepared["stopping_criteria"].append(made)
                prepared["generation_config"].stop_strings = stop_strings
            return loop(input_ids, inputs_tensor, **prepared)

        preparing.enter_context(hushed())
        return job.model.generate(
            **inputs,
            **options,
            **own,
            logits_processor=[entry.processor for entry in settings.added],
            assistant_model=job.given.get("assistant_model"),
            custom_generate=decode,
        )
