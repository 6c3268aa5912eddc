"""What the library's loop does, gathered step by step and handed to whoever pulls.

Everything here runs in the thread of the loop. A step is complete when the loop is about to decide whether it goes on:
by then the token is chosen, the criteria have answered and, in beam search, the beams are settled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inspector.errors import GenerationError
from inspector.generation.beams import BeamNotes
from inspector.generation.pipeline import Criteria, Pipeline, Scores
from inspector.generation.pulled import Channel

CACHES = ("past_key_values", "cache_params", "state")
"""Where transformers keeps a cache among the model's arguments."""


@dataclass(slots=True)
class Settled:
    """What a completed step left behind, as tensors.

    `sequences` i64 [rows, tokens] holds `new` more tokens than went in. `logits` are the model's own [rows, new or
    more, vocabulary]; `noted` the scores between the processors, by the length of the sequence that they followed;
    `forced` the tokens that were forced, by row, on the first of the new ones.
    In beam search `beams` holds the continuations, and `sequences` what went in.
    """

    sequences: Tensor
    new: int
    logits: Tensor
    noted: dict[int, list[Scores]]
    answers: list[tuple[str, Tensor]]
    forced: dict[int, int]
    kwargs: dict[str, Any]
    forward: int
    draft: tuple[int, ...] | None
    beams: BeamNotes | None
    seconds: dict[str, float]


@dataclass(slots=True)
class Progress:
    """What a pull brings: the steps that are new, an error that the loop survived, or the end with its result."""

    steps: list[Settled] = field(default_factory=list)
    error: GenerationError | None = None
    output: Any = None
    ended: bool = False


class Start:
    """How a loop begins that does not begin with the prompt: with recorded `logits` f32 [rows, vocabulary] in place of
    its first forward or, where there are none, with an ordinary decoding step. `forward` is the number of the forward
    that put those logits out.
    """

    def __init__(self, logits: Tensor | None, cache: Any, forward: int) -> None:
        self.logits = logits
        self.cache = cache
        self.forward = forward

    def output(self, twin: Any, input_ids: Tensor, kwargs: dict[str, Any]) -> Any:
        if self.logits is None:
            one = 1 if kwargs.get("use_cache") else None
            return twin(
                **twin.prepare_inputs_for_generation(input_ids, next_sequence_length=one, **kwargs), return_dict=True
            )
        from transformers.modeling_outputs import CausalLMOutputWithPast

        return CausalLMOutputWithPast(logits=self.logits[:, None], past_key_values=self.cache)


class LoopWatch:
    """Watches one loop (see `stepped.Watch`), and stands still where it hands over."""

    def __init__(
        self,
        sequences: Tensor,
        *,
        is_beam_search: bool,
        start: Start | None,
        check: Callable[[], None],
        number: Callable[[], int],
    ) -> None:
        self.forwards = 0
        self.kwargs: dict[str, Any] = {}
        self.sequences = sequences
        self.pipeline: Pipeline
        self.criteria: Criteria
        self.in_forward = False
        self._channel: Channel[Progress]
        self._start = start
        self._check = check
        self._number = number
        self._forward = -1
        self._is_beam_search = is_beam_search
        self._beams = BeamNotes() if is_beam_search else None
        self._logits = torch.empty(0)
        self._expected = 1
        self._draft: tuple[int, ...] | None = None
        self._settled: Settled | None = None
        self._began = self._forward_seconds = 0.0

    @property
    def length(self) -> int:
        """Number of tokens that the next step goes in with."""
        given = self.pipeline.input_ids
        return given.shape[1] + 1 if self._is_beam_search and given is not None else self.sequences.shape[1]

    def logits_are_nan(self) -> bool:
        """Whether the last forward put out NaN where the next token is chosen from."""
        return bool(self._logits.isnan().any())

    def keep_ended(self, ended: Tensor, padding: Tensor | None) -> None:
        """Rows that had ended before this loop began, bool [rows], stay so: they take `padding` as ended rows do."""
        self.criteria.ended = ended
        if padding is not None:
            rows = ended.nonzero().flatten().tolist()
            self.pipeline.forcing.force(dict.fromkeys(rows, int(padding)), self.sequences.shape[1])

    def begin(self, channel: Channel[Progress], kwargs: dict[str, Any]) -> None:
        """The loop begins with these arguments of the model, and the clock of its first step starts."""
        self._channel = channel
        self.kwargs = dict(kwargs)
        self._began = time.perf_counter()

    def failed(self, error: GenerationError) -> None:
        """A processor failed: tell, and come back when the caller wants to go on."""
        self._hand_over(Progress(error=error))

    def finish(self, output: Any) -> None:
        """The loop has returned; steps that it took back are left out."""
        last = self._settled
        sequences = output if isinstance(output, Tensor) else output.sequences
        if last is not None and not self._is_beam_search and sequences.shape[1] < last.sequences.shape[1]:
            last = None
        if not self._is_beam_search:
            self.sequences = sequences
        self._channel.item = Progress([last] if last else [], output=output, ended=True)

    def forward(self, run: Callable[..., Any], inputs: dict[str, Any]) -> Any:
        self._channel.check()
        self._check()
        start = time.perf_counter()
        self.in_forward = True
        output = run(**inputs)
        self.in_forward = False
        self.forwards += 1
        self._forward = self._number()
        self._note_logits(output.logits)
        self._forward_seconds += time.perf_counter() - start
        return output

    def prefill(self, twin: Any, run: Callable[[], Any], input_ids: Tensor, kwargs: dict[str, Any]) -> Any:
        if self._start is None:
            return run()
        self._forward = self._start.forward
        output = self._start.output(twin, input_ids, kwargs)
        self._note_logits(output.logits)
        return output

    def updated(self, kwargs: dict[str, Any]) -> None:
        self.kwargs = kwargs

    def drafted(self, before: int, candidates: Tensor) -> None:
        self._draft = tuple(candidates[0, before:].tolist())
        self._expected = len(self._draft) + 1

    def picked(self, length: int, prompt_length: int, scores: Tensor, sequences: Tensor, parents: Tensor) -> None:
        assert self._beams is not None
        self._beams.picked(length, prompt_length, scores, sequences, parents)

    def running(self, sequences: Tensor, scores: Tensor, parents: Tensor) -> None:
        assert self._beams is not None
        self._beams.running(sequences, scores, parents)

    def finished(self, stopped: Tensor, scores: Tensor, length_penalty: float) -> None:
        assert self._beams is not None
        self._beams.finished(stopped, scores, length_penalty)

    def called(self, sequences: Tensor) -> None:
        """The criteria were asked about the sequences with the new tokens."""
        before = self.pipeline.input_ids if self._is_beam_search else self.sequences
        assert before is not None
        self._settled = Settled(
            sequences=before if self._is_beam_search else sequences,
            new=1 if self._is_beam_search else sequences.shape[1] - before.shape[1],
            logits=self._logits,
            noted=self.pipeline.noted,
            answers=self.criteria.answers,
            forced=self.pipeline.forcing.at(*before.shape),
            kwargs=self.kwargs,
            forward=self._forward,
            draft=self._draft,
            beams=self._beams,
            seconds={},
        )
        if not self._is_beam_search:
            self.sequences = sequences

    def between(self, go_on: bool) -> None:
        settled = self._settled
        if settled is None:
            return
        settled.kwargs = self.kwargs
        processors = sum(item.seconds or 0.0 for noted in settled.noted.values() for item in noted)
        total = time.perf_counter() - self._began
        settled.seconds = {"total": total, "forward": self._forward_seconds, "processors": processors}
        self.pipeline.noted = {}
        self._draft, self._expected = None, 1
        if go_on:
            self._settled = None
            self._hand_over(Progress([settled]))
            self._forward_seconds = 0.0

    def _hand_over(self, progress: Progress) -> None:
        self._channel.hand_over(progress)
        self._began = time.perf_counter()

    def _note_logits(self, logits: Tensor) -> None:
        self._logits = logits[:, -self._expected :].detach().clone()
