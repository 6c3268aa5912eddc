"""How a loop goes on from a step: on the cropped cache where that can be, else by running what came before again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from inspector.errors import GenerationError, InputError
from inspector.generation.branches import Branch, Change
from inspector.generation.decoding import BEAMS, Decoding, Job, Resumed, generate
from inspector.generation.loop import CACHES
from inspector.generation.processors import Entry
from inspector.generation.randomness import Randomness
from inspector.generation.settings import Prepared, Settings, changed, criteria, kept_alive, processors
from inspector.generation.state import NotCroppable, RopeDeltas, cut

Logits = Callable[[int], Tensor | None]
"""The raw logits of a step, f32 [rows, vocabulary]; None where they were not kept."""


RECORDED = "trace_again (v in tab 5) runs the whole branch again; calls=True (--calls) records the calls on the way."
"""What to do where a forward cannot be run again."""

FREE = frozenset({"greedy_search", "sample"})
"""Modes between which a generation may change: one loop of transformers does both."""


class Resuming:
    """Makes the loops of a generation: the first one, and those that go on from a step of a branch.

    `base` is what `generate` prepared for the first loop; it is set when that has begun.
    """

    def __init__(self, job: Job, initial: Settings, seed: int) -> None:
        self.job = job
        self.initial = initial
        self.seed = seed
        self.base: Prepared | None = None

    def from_start(self, settings: Settings, forced: Mapping[int | None, int]) -> Decoding:
        """A loop that begins with the prompt."""
        randomness = Randomness(self.seed, self.job.model.device)
        settings = replace(settings, options={**settings.options, **settings.later})
        return Decoding(self.job, settings, randomness, RopeDeltas(self.job.model), forced=forced)

    def after(
        self, source: Branch, steps: int, settings: Settings, logits: Logits, forced: Mapping[int | None, int]
    ) -> tuple[Decoding, list[str]]:
        """A loop that goes on after the first `steps` steps of a branch, and what must be said about it.

        Raises `GenerationError` where that cannot be, `InputError` for settings out of range.
        """
        assert source.decoding is not None
        if source.decoding.prepared.mode in BEAMS:
            return self._replayed(source, steps, settings, forced)
        prepared = self.prepared(settings)
        resumed, notices = self._resumed(source, prepared, steps, logits)
        entries = processors(self.job.model, prepared, prepared.config, settings, self.job.given)
        ropes = source.decoding.ropes.copied()
        randomness = Randomness(self.seed, self.job.model.device)
        if steps:
            randomness.state = source.randoms[steps - 1]
        decoding = Decoding(
            self.job, settings, randomness, ropes, prepared=prepared, entries=entries, resumed=resumed, forced=forced
        )
        self._catch_up(decoding, entries, resumed.sequences, prepared.length, logits)
        return decoding, notices

    def prepared(self, settings: Settings) -> Prepared:
        """What `generate` would have prepared with other settings. Raises `InputError` for what cannot change."""
        assert self.base is not None
        config = changed(self.base, settings.later)
        mode = config.get_generation_mode(self.job.given.get("assistant_model")).value
        if mode != self.base.mode and not {mode, self.base.mode} <= FREE:
            raise InputError(
                f"do_sample cannot change within a generation in the mode {self.base.mode}; start another for it."
            )
        return replace(self.base, config=config, mode=str(mode))

    def _resumed(self, source: Branch, prepared: Prepared, steps: int, logits: Logits) -> tuple[Resumed, list[str]]:
        assert source.decoding is not None
        run = source.decoding.run
        sequences = run.watch.sequences[:, : prepared.length + steps]
        ended = [source.has_ended(row, steps) for row in range(sequences.shape[0])]
        known = logits(steps)
        cached = sequences.shape[1] - (1 if known is None else 0)
        known = None if known is None else known.to(sequences.device)
        try:
            if prepared.mode == "assisted_generation":
                raise NotCroppable("assisted decoding begins with an empty one")
            kwargs = cut(run.watch.kwargs, run.shapes, steps, cached)
            forward = -1 if known is None else source.steps[steps].forward
            return Resumed(sequences, kwargs, run.shapes, known, ended, forward), []
        except NotCroppable as problem:
            kwargs = self._without_cache(run.watch.kwargs, run.shapes, prepared, sequences, steps)
            note = f"The {sequences.shape[1]} tokens before this branch were run again, in one forward: {problem}."
            return Resumed(sequences, kwargs, run.shapes, None, ended, from_prefix=True), [note]

    def forward(self, source: Branch, index: int) -> Callable[[], None]:
        """What runs the forward of a step once more, on a cache of its own. Raises `GenerationError`."""
        assert source.decoding is not None
        run, model = source.decoding.run, self.job.model
        prepared = source.decoding.prepared
        if prepared.mode not in FREE:
            raise GenerationError(f"A forward of {prepared.mode} cannot be run again by itself. {RECORDED}")
        sequences = run.watch.sequences[:, : prepared.length + index]
        if index == 0:
            return lambda: generate(self.job, self.initial, self._prefill)
        try:
            kwargs = cut(run.watch.kwargs, run.shapes, index, sequences.shape[1] - 1)
        except NotCroppable as problem:
            raise GenerationError(
                f"The forward of step {index} cannot be run again by itself: {problem}. {RECORDED}"
            ) from problem
        one = 1 if kwargs.get("use_cache") else None
        inputs = model.prepare_inputs_for_generation(sequences, next_sequence_length=one, **kwargs)
        return lambda: model(**inputs, return_dict=True)

    def _prefill(
        self,
        input_ids: Tensor,
        _: Tensor,
        generation_config: Any,
        logits_processor: Any,
        stopping_criteria: Any,
        **kwargs: Any,
    ) -> Tensor:
        self.job.model._prefill(input_ids, generation_config, kwargs)
        return input_ids

    def _without_cache(
        self, kwargs: Mapping[str, Any], shapes: Any, prepared: Prepared, sequences: Tensor, steps: int
    ) -> dict[str, Any]:
        """The model's arguments for the whole sequence, with a new and empty cache of the same kind."""
        bare = {name: item for name, item in kwargs.items() if name not in CACHES}
        made = cut(bare, shapes, steps, 0)
        config = prepared.config
        mode = config.get_generation_mode(self.job.given.get("assistant_model"))
        self.job.model._prepare_cache_for_generation(config, made, mode, sequences.shape[0], config.max_length - 1)
        return made

    def _catch_up(
        self, decoding: Decoding, entries: list[Entry], sequences: Tensor, prompt_length: int, logits: Logits
    ) -> None:
        """Show processors that remember earlier calls what they would have seen."""
        for entry in entries:
            if not entry.is_stateful:
                continue
            with decoding.randomness.installed(), decoding.ropes.installed():
                for step in range(sequences.shape[1] - prompt_length):
                    raw = logits(step)
                    if raw is None:
                        raise GenerationError(
                            f"{entry.name} depends on every step before, and the raw logits of step {step} were not "
                            "kept: there can be no branch here."
                        )
                    entry.processor(sequences[:, : prompt_length + step], raw.to(sequences.device))

    def _replayed(
        self, source: Branch, steps: int, settings: Settings, forced: Mapping[int | None, int]
    ) -> tuple[Decoding, list[str]]:
        """A beam search cannot be entered in the middle: it is run again from the prompt, with the same changes."""
        self.prepared(settings)
        changes = {change.at: change for change in source.changes if change.at < steps}
        first = changes.get(0)
        decoding = self.from_start(
            self.initial if first is None else first.settings, {} if first is None else first.forced
        )
        if first is not None and first.seed is not None:
            decoding.randomness.reseed(first.seed)
        for step in range(steps):
            if step and step in changes:
                self.change(decoding, changes[step])
            progress = decoding.pull()
            if progress is None or progress.error is not None or progress.ended:
                decoding.close()
                raise GenerationError(f"The beam search could not be run again up to step {steps}.")
        if steps:
            self.change(decoding, Change(steps, settings, forced))
            return decoding, [f"The first {steps} steps were run again: a beam search cannot be entered in the middle."]
        decoding.close()
        return self.from_start(settings, forced), []

    def change(self, decoding: Decoding, change: Change) -> None:
        """Change a loop that stands still. Raises `InputError`, and then nothing has changed."""
        run, job = decoding.run, self.job
        prepared = self.prepared(change.settings)
        entries = processors(job.model, prepared, prepared.config, change.settings, job.given)
        made = criteria(job.model, prepared.config, prepared.criteria, job.tokenizer)
        pipeline = run.watch.pipeline
        pipeline.replace(kept_alive(entries, pipeline.entries))
        run.watch.criteria[:] = made
        run.prepared = prepared
        if change.forced:
            pipeline.forcing.force(change.forced, run.watch.length)
        if change.seed is not None:
            decoding.randomness.reseed(change.seed)
