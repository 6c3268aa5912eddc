"""The beams of a beam search up to one step as a tree: which are live, which ended and why, which were outscored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message
from textual.reactive import reactive

from inspector.analysis.wording import number
from inspector.trace.steps import Beam, Step
from inspector.tui.widgets.cells import fit, width_of
from inspector.tui.widgets.folding import Folding
from inspector.tui.widgets.outline import Outline
from inspector.views.beams import Growth, Twig

SCORE = 10
"""Cells of a score."""

STATE = 12, 30
"""Cells of what became of a beam, at least and at most; between them, a third of the widget."""

LIVE, FINISHED, OUTSCORED, DROPPED = "●", "■", "○", "×"
"""The signs of what became of a beam; the words beside them say it too, those of a finished one what ended it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens that beams have in common until they part: `last` is the beam at its end, taken up in step `end`."""

    text: str
    start: int
    end: int
    last: Beam
    goes_on: bool
    is_newest: bool

    @property
    def sign(self) -> str:
        if self.last.state != "live":
            return FINISHED if self.last.state == "finished" else DROPPED
        return " " if self.goes_on else LIVE if self.is_newest else OUTSCORED

    @property
    def rank(self) -> tuple[bool, float]:
        """Live beams come before finished ones, whose scores are of another kind, then better ones first."""
        return self.sign == LIVE, self.last.score

    @property
    def state(self) -> str:
        """What became of it, in words."""
        if self.last.state != "live":
            return self.last.reason or "" if self.last.state == "finished" else self.last.state
        if self.goes_on:
            return ""
        return f"live, row {self.last.row}" if self.is_newest else "outscored"

    @property
    def words(self) -> str:
        """What became of it, in a sentence."""
        beam = self.last
        if beam.state != "live":
            place = "" if beam.state == "finished" else ", and dropped: better finished ones leave it no place"
            return f"Ended by {beam.reason}{place}."
        if self.goes_on:
            return "Beams part here."
        if self.is_newest:
            return f"Live in row {beam.row}."
        return f"Outscored in step {self.end + 1}: other beams went on in its place."


class BeamTree(Folding):
    """The beams of `steps` up to step `at`, None for all. Lines are runs of tokens, with the score at their end."""

    DEFAULT_CSS = """
    BeamTree { height: 1fr; width: 1fr; }
    """
    headed = 1

    at: reactive[int | None] = reactive(None, init=False)

    @dataclass
    class Chosen(Message):
        """Enter, or a second click, on a run of tokens: the step of its last one, and its row there; None ended."""

        step: int
        row: int | None

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._growth = Growth()
        self._known: list[Step] = []
        self._runs: list[Run] = []

    @property
    def steps(self) -> Sequence[Step]:
        return self._known

    @steps.setter
    def steps(self, steps: Sequence[Step]) -> None:
        known = len(self._known)
        if not known or len(steps) < known or steps[known - 1] is not self._known[-1]:
            self._growth, self._known = Growth(), []
        for step in steps[len(self._known) :]:
            self._growth.add(step)
            self._known.append(step)
        self._read()

    def watch_at(self) -> None:
        self._read()

    def opened(self) -> None:
        if self.current is not None:
            run = self._runs[self.current]
            self.post_message(self.Chosen(run.end, run.last.row))

    def head(self, width: int) -> str:
        text, state = self._shares(width)
        return f"{fit('tokens', text)} {fit('score', SCORE, right=True)}  {fit('state', state)}"

    def draw(self, row: int, width: int) -> Iterator[Segment]:
        item = self.outline.rows[row]
        run = self._runs[item]
        text, state = self._shares(width)
        guides = self.outline.guides_within(item, text // 2)
        fold = "▸" if self.outline.is_folded(item) else "▾"
        marker = (fold if self.outline.has_children(item) else run.sign) + " "
        ink = self.ink({LIVE: "accent", FINISHED: "second", " ": ""}.get(run.sign, "quiet"))
        yield Segment(guides, self.ink("quiet"))
        yield Segment(fit(marker + run.text, max(text - width_of(guides), 0)), ink)
        yield Segment(f" {fit(number(run.last.score, 4), SCORE, right=True)}  ", self.ink("quiet"))
        yield Segment(fit(run.state, state), ink)

    def hint(self, row: int) -> str | None:
        run = self._runs[self.outline.rows[row]]
        span = f"step {run.end}" if run.start == run.end else f"steps {run.start}–{run.end}"
        score = f"score {number(run.last.score, 6)}, continues row {run.last.parent}"
        return "\n".join([run.text, f"{span}, {score}", run.words]).strip()

    def _shares(self, width: int) -> tuple[int, int]:
        """Cells of the tokens and of the state."""
        state = max(STATE[0], min(width // 3, STATE[1]))
        return max(width - state - SCORE - 3, 0), state

    def _read(self) -> None:
        newest = len(self._known) - 1 if self.at is None else min(self.at, len(self._known) - 1)
        self.outline, self._runs = Outline(), []
        roots = self._growth.roots if newest >= 0 else []
        stack: list[tuple[Twig, int | None]] = [(twig, None) for twig in reversed(roots)]
        while stack:
            twig, above = stack.pop()
            run, after = _run(twig, newest)
            item = self.outline.add(above)
            self._runs.append(run)
            stack += [(child, item) for child in reversed(after)]
        self.outline.update()
        ends = [item for item, run in enumerate(self._runs) if run.sign in (LIVE, FINISHED)]
        self.show(max(ends, key=lambda item: self._runs[item].rank, default=0))


def _run(twig: Twig, newest: int) -> tuple[Run, list[Twig]]:
    """A twig with what follows it without parting up to the step `newest`, and where they part."""
    texts, start = [twig.text], twig.step
    while twig.step < newest and len(twig.next) == 1 and twig.next[0].beam.state == "live":
        twig = twig.next[0]
        texts.append(twig.text)
    after = twig.next if twig.step < newest else []
    run = Run("".join(texts), start, twig.step, twig.beam, bool(after), twig.step == newest)
    return run, after
