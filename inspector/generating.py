"""What a session does to begin a generation, and to make traces of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from inspector.errors import ForwardError, InputError
from inspector.filling import failure_message, fill
from inspector.generation.again import renumbered, settings_for, walk
from inspector.generation.assistants import check_assistant
from inspector.generation.changing import offered
from inspector.generation.decoding import Job
from inspector.generation.generation import Generation
from inspector.generation.options import check_options, meant, watermark
from inspector.generation.processors import Entry, name_of
from inspector.generation.randomness import fresh_seed
from inspector.generation.record import StepMaker
from inspector.generation.resuming import FREE, Resuming
from inspector.generation.settings import Settings, remarks
from inspector.generation.stepping import Cancelling, Stepping
from inspector.generation.store import LogitsStore
from inspector.generation.texts import TokenTexts
from inspector.recording import Recorder, Wanted, exclusive
from inspector.recording.report import failure_of
from inspector.session import Session
from inspector.trace import Token, Trace
from inspector.trace.steps import GenerationRecord, Step
from inspector.trace.values import JoinedValues

if TYPE_CHECKING:
    from inspector.generation.offers import NamedLogitsProcessor
    from inspector.models import Inputs

GIVEN = (
    "assistant_model",
    "assistant_tokenizer",
    "negative_prompt_attention_mask",
    "negative_prompt_ids",
    "prefix_allowed_tokens_fn",
    "stopping_criteria",
)
"""Arguments of `generate` beside the options that are taken, under their own names."""


def begin(
    session: Session,
    encoded: Inputs,
    *,
    seed: int | None,
    processors: Sequence[Any],
    calls: Wanted | None,
    top: int,
    arguments: Mapping[str, Any],
) -> Generation:
    """A generation that stands before its first step. Raises `InputError` for what cannot be asked."""
    if session.shape_only:
        raise InputError(
            f"{session.reference} is open without weights, and without numbers there is no next token to choose. "
            "random_weights (--random-weights) fills the architecture with random ones."
        )
    options = meant({name: value for name, value in arguments.items() if name not in GIVEN})
    if isinstance(options.get("watermarking_config"), Mapping):
        options["watermarking_config"] = watermark(options["watermarking_config"])
    check_options(options)
    given = _given(session, arguments)
    cancelling = Cancelling()
    probes = session.plugins.probes
    recorder = None if calls is None else Recorder(session.model, calls, probes=probes, cancel=cancelling)
    inputs = session.to_device(encoded.tensors)
    tokenizer, offers = session.processor.tokenizer, session.plugins.logits_processors
    number = count().__next__ if recorder is None else recorder.last_step
    job = Job(session.model, tokenizer, inputs, given, cancelling.check, number)
    store = LogitsStore()
    maker = StepMaker(TokenTexts(tokenizer), session.family.positions, store, top)
    settings = Settings(options, added=tuple(_entry(processor, offers) for processor in processors))
    traces = Traces(session, encoded, recorder)
    resuming = Resuming(job, settings, fresh_seed() if seed is None else seed)
    stepping = Stepping(resuming, maker, store, cancelling, recorder, traces.failed)
    stepping.notices = [*session.notices, *encoded.notices, *remarks(options, session.model.generation_config)]
    return Generation(stepping, offers, traces)


def _given(session: Session, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `generate` that are no options; an assistant may be given as a session."""
    given = {name: arguments[name] for name in GIVEN if arguments.get(name) is not None}
    assistant = given.get("assistant_model")
    if assistant is None:
        return given
    if not isinstance(assistant, Session) and not hasattr(assistant, "config"):
        raise InputError(
            f"assistant_model is {assistant!r:.80}; a model or a session was expected, as inspector.load gives. "
            "On the command line --assistant takes a reference."
        )
    tokenizer = given.get("assistant_tokenizer")
    translated = tokenizer is not None
    if isinstance(assistant, Session):
        tokenizer = tokenizer or assistant.processor.tokenizer
        if assistant.shape_only:
            raise InputError(f"The assistant {assistant.reference} is open without weights; it cannot draft.")
        given["assistant_model"] = assistant.model
    check_assistant(
        session.model, session.processor.tokenizer, given["assistant_model"], tokenizer, translated=translated
    )
    if translated:
        given["tokenizer"] = session.processor.tokenizer
    return given


def _entry(processor: Any, offers: Mapping[str, NamedLogitsProcessor]) -> Entry:
    """A processor that was given, or named as a plugin offers it."""
    if isinstance(processor, str):
        return Entry(processor, offered(offers, processor, {}))
    return Entry(name_of(processor), processor)


class Traces:
    """Makes traces of a generation with what its session knows."""

    def __init__(self, session: Session, encoded: Inputs, recorder: Recorder | None) -> None:
        self._session = session
        self._encoded = encoded
        self._recorder = recorder

    def trace(self, stepping: Stepping) -> Trace:
        """The record, the raw logits, and the calls where they were recorded."""
        return self._whole(stepping, self._recorder or Recorder(self._session.model), stepping.record())

    def again(self, stepping: Stepping, wanted: Wanted, on_step: Callable[[Step], None] | None) -> Trace:
        """The same of the branch that is looked at, whose steps are run again for their calls to be recorded."""
        session, branch, resuming = self._session, stepping.tree.current, stepping.resuming
        settings, cancelling = settings_for(stepping), Cancelling()
        recorder = Recorder(session.model, wanted, probes=session.plugins.probes, cancel=cancelling)
        given = {name: value for name, value in resuming.job.given.items() if name != "stopping_criteria"}
        job = replace(resuming.job, given=given, check=cancelling.check, number=recorder.last_step)
        traces = Traces(session, self._encoded, recorder)
        maker = StepMaker(stepping.texts, session.family.positions, None, 1)
        other = Stepping(
            Resuming(job, settings, resuming.seed), maker, LogitsStore(), cancelling, recorder, traces.failed
        )
        with Generation(other, {}, traces) as generation, other.for_a_run(nullcontext()):
            steps = walk(generation, branch, stepping.mode in FREE, on_step)
        record = renumbered(stepping.record(), branch, [step.forward for step in steps])
        trace = self._whole(stepping, recorder, record)
        trace.notices.append(f"The {len(steps)} steps of {branch.name} were run again for their calls to be recorded.")
        return trace

    def _whole(self, stepping: Stepping, recorder: Recorder, record: GenerationRecord) -> Trace:
        trace = self._filled(recorder)
        trace.values = JoinedValues(trace.values, stepping.store)
        trace.generation = record
        if stepping.started:
            sequences = stepping.tree.current.sequences
            trace.tokens = self._tokens(stepping, stepping.prepared.prompt if sequences is None else sequences)
        trace.notices += [*stepping.notices[len(trace.notices) :], *stepping.store.notices]
        return trace

    def failed(self, stepping: Stepping, error: Exception) -> ForwardError:
        """The error for a forward that raised, with the trace up to there."""
        trace = self.trace(stepping)
        if trace.failure is None:
            trace.failure = failure_of(error, list(self._session.model.named_modules()))
        return ForwardError(failure_message(trace, error), trace)

    def forward(self, stepping: Stepping, step: Step, *, stats: bool, values: Sequence[str]) -> Trace:
        """A trace of the forward behind a step, which is run again for it. Raises `GenerationError`."""
        wanted = Wanted(stats=stats, values=tuple(values))
        recorder = Recorder(self._session.model, wanted, probes=self._session.plugins.probes)
        with exclusive(self._session.model), torch.no_grad():
            stepping.run_again(step, recorder)
        trace = self._filled(recorder)
        if step.index:
            ids = stepping.sequences_at(step)
            trace.tokens = self._tokens(stepping, ids)
            trace.notices.append(
                f"The forward of step {step.index} was run again by itself to be recorded: of its {ids.shape[1]} "
                "tokens all but the last are in its cache alone, as keys and values. The forwards that put them there, "
                "and the pictures, are recorded where the whole branch is run again (trace_again; v in tab 5)."
            )
        return trace

    def _filled(self, recorder: Recorder) -> Trace:
        session, encoded = self._session, self._encoded
        notices = [*session.notices, *encoded.notices]
        trace = Trace(session.info, texts=encoded.texts, media=encoded.media, notices=notices, facts=encoded.facts)
        fill(trace, recorder, session.family, session.config, session.processor.tokenizer)
        return trace

    def _tokens(self, stepping: Stepping, ids: Tensor) -> list[list[Token]]:
        """The tokens of sequences of the branch that is looked at, i64 [rows, tokens]."""
        session, prepared = self._session, stepping.prepared
        tokenizer, rows = session.processor.tokenizer, ids.shape[0]
        mask = _mask(prepared.mask, ids)
        kinds = session.family.token_kinds(ids, mask, session.config, tokenizer)
        positions = stepping.positions(ids.shape[1])
        places: list[Sequence[tuple[int, ...] | None]] = [[None] * ids.shape[1]] * rows
        if positions is not None:
            found = session.family.positions(positions)
            places = [found[row % len(found)] for row in range(rows)]
        texts = stepping.texts
        return [
            [Token(at, token, texts[token], kinds[row][at], places[row][at]) for at, token in enumerate(line)]
            for row, line in enumerate(ids.tolist())
        ]


def _mask(mask: Tensor | None, ids: Tensor) -> Tensor | None:
    """The padding mask of the prompt, continued over the generated tokens."""
    if mask is None or mask.ndim != 2 or mask.shape[0] != ids.shape[0]:
        return None
    return torch.cat([mask, mask.new_ones(ids.shape[0], ids.shape[1] - mask.shape[1])], dim=1)
