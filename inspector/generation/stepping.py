"""Makes the steps of a generation: begins loops, changes them, pulls them, and keeps what they bring."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from torch import Tensor

from inspector.errors import Cancelled, InputError, InspectorError
from inspector.generation.branches import Branch, Change
from inspector.generation.decoding import Decoding
from inspector.generation.endings import check_end, told
from inspector.generation.loop import Progress
from inspector.generation.pending import Pending
from inspector.generation.processors import Entry
from inspector.generation.record import StepMaker
from inspector.generation.resuming import Resuming
from inspector.generation.settings import Prepared, Settings, preview, processors
from inspector.generation.store import LogitsStore
from inspector.generation.texts import TokenTexts, one_token
from inspector.generation.tree import Tree
from inspector.recording import exclusive
from inspector.trace.steps import GenerationRecord, Step

if TYPE_CHECKING:
    from inspector.recording import Recorder

Failed = Callable[["Stepping", Exception], InspectorError]
"""Makes the error to raise when the model's own forward raised."""


class Cancelling(threading.Event):
    """Set to stop a generation before its next forward, and within one that is recorded."""

    def check(self) -> None:
        """Raise `Cancelled` once it is set."""
        if self.is_set():
            raise Cancelled("The generation was stopped; its steps are kept.")


class Stepping:
    """One generation's loops and records.

    `recorder` records the model's calls, None where nobody wants them; `failed` makes the error for a forward that
    raised.
    """

    def __init__(
        self,
        resuming: Resuming,
        maker: StepMaker,
        store: LogitsStore,
        cancelling: Cancelling,
        recorder: Recorder | None,
        failed: Failed,
    ) -> None:
        self.resuming = resuming
        self.maker = maker
        self.store = store
        self.cancelling = cancelling
        self.tree = Tree()
        self.notices: list[str] = []
        self._recorder = recorder
        self._failed = failed
        self._is_alone = False
        self.check(Pending())

    @property
    def texts(self) -> TokenTexts:
        return self.maker.texts

    @property
    def started(self) -> bool:
        return self.resuming.base is not None

    @property
    def prepared(self) -> Prepared:
        """What `generate` has prepared, or what it is going to prepare."""
        job, initial = self.resuming.job, self.resuming.initial
        return self.resuming.base or preview(job.model, initial.options, job.inputs, job.given)

    @property
    def mode(self) -> str:
        """transformers' name of the way of decoding."""
        return self.prepared.mode

    @property
    def rows(self) -> int:
        """Rows of the batch as the model sees it: a row for each returned sequence or beam."""
        prepared = self.prepared
        if self.started:
            return prepared.prompt.shape[0]
        return prepared.prompt.shape[0] * int(max(prepared.config.num_beams, prepared.config.num_return_sequences))

    @property
    def vocabulary(self) -> int:
        size: int = self.resuming.job.model.config.get_text_config().vocab_size
        return size

    def token_of(self, token: int | str) -> int:
        """The id of a token that is given by its id or its text. Raises `InputError` for what is none, or several."""
        token = one_token(token, self.texts.tokenizer) if isinstance(token, str) else token
        if not 0 <= token < self.vocabulary:
            raise InputError(f"There is no token {token}; the vocabulary has {self.vocabulary:,}, from 0.")
        return token

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside the block no other forward runs on the model, and this one's calls are recorded. It may be nested."""
        if self._is_alone:
            yield
            return
        self.cancelling.clear()
        with exclusive(self.resuming.job.model), nullcontext() if self._recorder is None else self._recorder:
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    @contextmanager
    def for_a_run(self, lock: AbstractContextManager[Any]) -> Iterator[None]:
        """The context of a run of many steps. Where calls are recorded, the recorder stays attached for all of them,
        and `lock` is held; elsewhere others get their turn between two steps.
        """
        if self._recorder is None:
            yield
            return
        with lock, self.alone():
            yield

    def check(self, pending: Pending) -> list[Entry]:
        """The processors of the next step if these changes were made. Raises `InputError` where they cannot be."""
        settings, prepared = self.settings_with(pending), self.prepared_with(pending)
        return processors(self.resuming.job.model, prepared, prepared.config, settings, self.resuming.job.given)

    def prepared_with(self, pending: Pending) -> Prepared:
        """What `generate` would have prepared for the next step if these changes were made. Raises `InputError`."""
        settings, job = self.settings_with(pending), self.resuming.job
        if self.started:
            return self.resuming.prepared(settings)
        return preview(job.model, settings.options, job.inputs, job.given)

    def settings_with(self, pending: Pending) -> Settings:
        """The settings of the next step if these changes were made. Raises `InputError` for what was never added."""
        return pending.applied(self._settings(), started=self.started)

    def entries_at(self, step: Step, pending: Pending) -> list[Entry]:
        """The processors of a recorded step, with changes. Raises `InputError`."""
        settings = self.tree.current.settings_of(self.resuming.initial, step.index)
        settings = pending.applied(settings, started=True)
        prepared = self.resuming.prepared(settings)
        return processors(self.resuming.job.model, prepared, prepared.config, settings, self.resuming.job.given)

    def make_ready(self, pending: Pending) -> None:
        """See to it that the branch looked at has a loop for the step after the cursor, with these changes made.

        Raises `GenerationError` where it has come to its end, `InputError` for changes that cannot be made.
        """
        tree, resuming = self.tree, self.resuming
        if not self.started:
            self._begin(pending)
            return
        if not pending and tree.at_tip and not tree.current.ended and tree.current.is_going:
            return
        settings = pending.applied(self._settings(), started=True)
        resuming.prepared(settings)
        if tree.at_tip and tree.current.ended:
            check_end(tree.current, changed=bool(pending))
        branch = tree.current if tree.at_tip else tree.fork(None)
        change = Change(len(branch.steps), settings, pending.forced, pending.seed, ", ".join(pending.words))
        loop = branch.decoding
        if loop is not None and not loop.ended and resuming.prepared(settings).mode == loop.prepared.mode:
            if pending:
                resuming.change(loop, change)
        else:
            source = self._maker_of(None)
            branch.decoding, notices = resuming.after(
                source, len(branch.steps), settings, raw_logits(source, self.store), pending.forced
            )
            branch.notices += notices
            branch.ended, branch.output = False, None
            if pending.seed is not None:
                branch.decoding.randomness.reseed(pending.seed)
        if pending:
            branch.changes.append(change)

    def pull(self) -> list[Step]:
        """Let the loop make its next step, and keep it. Raises as `Generation.step`."""
        branch = self.tree.current
        decoding = branch.decoding
        assert decoding is not None
        try:
            progress = decoding.pull()
        except InspectorError:
            raise
        except Exception as error:
            if decoding.run.in_model(error):
                raise self._failed(self, error) from error
            raise told(error, decoding, len(branch.steps)) from error
        finally:
            if decoding.started and self.resuming.base is None:
                self.resuming.base = decoding.prepared
        if progress is None:
            branch.ended = True
            return []
        if progress.error is not None:
            raise progress.error
        return self._keep(branch, decoding, progress)

    def run_again(self, step: Step, recorder: Recorder) -> None:
        """Run the forward that made a step's logits once more, recorded.

        Raises `GenerationError` where its cache cannot be had again.
        """
        source = self._maker_of(step)
        assert source.decoding is not None
        with source.decoding.ropes.installed():
            forward = self.resuming.forward(source, step.index)
            with recorder:
                forward()

    def sequences_at(self, step: Step) -> Tensor:
        """The tokens that the forward of a step has seen, i64 [rows, tokens]; that of a beam search has other ones."""
        decoding = self._maker_of(step).decoding
        assert decoding is not None
        return decoding.run.watch.sequences[:, : decoding.prepared.length + step.index]

    def positions(self, tokens: int) -> Tensor | None:
        """Position ids of the first `tokens` tokens of the branch that is looked at, as the model was given them."""
        decoding = self._maker_of(None).decoding
        ids = None if decoding is None else decoding.run.watch.kwargs.get("position_ids")
        return ids[..., :tokens] if isinstance(ids, Tensor) and ids.shape[-1] >= tokens else None

    def record(self) -> GenerationRecord:
        prepared, settings = self.prepared, self.resuming.initial
        return GenerationRecord(
            mode=prepared.mode,
            seed=self.resuming.seed,
            settings=settings.to_json(),
            prompt_length=prepared.length,
            vocabulary=self.vocabulary,
            branches={name: branch.record(self.texts) for name, branch in self.tree.items()},
            current=self.tree.current.name,
        )

    def close(self) -> None:
        """End every loop with its thread."""
        for branch in self.tree.values():
            if branch.decoding is not None:
                branch.decoding.close()

    def _maker_of(self, step: Step | None) -> Branch:
        """The branch whose loop made a step: a branch that has made none yet has its parent's."""
        branch = self.tree.current
        while branch.parent is not None and (
            branch.decoding is None or not branch.decoding.started or (step is not None and step.index < branch.start)
        ):
            branch = branch.parent
        return branch

    def _settings(self) -> Settings:
        return self.tree.current.settings(self.resuming.initial, self.tree.cursor)

    def _begin(self, pending: Pending) -> None:
        resuming, branch = self.resuming, self.tree.current
        resuming.initial = pending.applied(resuming.initial, started=False)
        if branch.decoding is not None:
            branch.decoding.close()
        if pending.seed is not None:
            resuming.seed = pending.seed
        branch.decoding = resuming.from_start(resuming.initial, pending.forced)
        if pending.forced:
            branch.changes = [Change(0, resuming.initial, pending.forced, None, ", ".join(pending.words))]

    def _keep(self, branch: Branch, decoding: Decoding, progress: Progress) -> list[Step]:
        made: list[Step] = []
        for settled in progress.steps:
            made += self.maker.steps(settled, branch.steps[-1] if branch.steps else None)
        branch.steps += made
        branch.randoms += [decoding.randomness.state for _ in made]
        if progress.ended:
            branch.ended, branch.output = True, progress.output
        self.tree.cursor = len(branch.steps)
        return made


def raw_logits(branch: Branch, store: LogitsStore) -> Callable[[int], Tensor | None]:
    """Reads the raw logits of a branch's steps, [rows, vocabulary]; None for a step that is not there or not kept."""

    def read(index: int) -> Tensor | None:
        key = branch.steps[index].logits if index < len(branch.steps) else None
        return None if key is None else store[key]

    return read
