"""Beam search as a tree: what each beam took up, where beams part, which ended and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inspector.parts import Column, Node, Part, Table, Tree, View
from inspector.trace import Trace
from inspector.trace.steps import Beam, Step
from inspector.views.generation import OPTIONS, empty, steps_of, token_text


@dataclass(slots=True)
class Twig:
    """A beam at one step, with the beams that go on from it. `text` is its token's."""

    step: int
    beam: Beam
    text: str
    next: list[Twig] = field(default_factory=list)


def show(trace: Trace, *, branch: str = "") -> Sequence[Part]:
    record = trace.generation
    if record is None:
        return [empty("Beams")]
    name, steps = steps_of(record, branch)
    if not any(row.beams for step in steps for row in step.rows):
        return [empty("Beams", f"{name} is no beam search but {record.mode}; `inspector view steps` shows its steps.")]
    return [tree(name, steps), table(name, steps)]


def tree(name: str, steps: Sequence[Step]) -> Tree:
    """A line for each run of tokens that beams have in common."""
    columns = (Column("steps"), Column("score", "right"), Column("state"), Column("ended by"))
    return Tree(f"Beams of {name}", columns, tuple(_node(twig) for twig in grown(steps)), NOTE)


NOTE = (
    "The score of a live beam is the sum of its log-probabilities; that of a finished one is divided by its length to "
    "the power of the length penalty. Outscored: other beams went on in its place."
)


class Growth:
    """The tree of the beams, step by step. `roots` are the beams of the first step."""

    def __init__(self) -> None:
        self.roots: list[Twig] = []
        self._alive: dict[int, Twig] = {}

    def add(self, step: Step) -> None:
        """Let the beams that are alive go on with what the next step took up."""
        before, self._alive = self._alive, {}
        texts = texts_of([step])
        for row in step.rows:
            for beam in (beam for beam in row.beams if not beam.only_fills):
                twig = Twig(step.index, beam, text(texts, beam.id))
                (before[beam.parent].next if beam.parent in before else self.roots).append(twig)
                if beam.row is not None:
                    self._alive[beam.row] = twig


def grown(steps: Sequence[Step]) -> list[Twig]:
    """The roots of the tree: the beams of the first step."""
    growth = Growth()
    for step in steps:
        growth.add(step)
    return growth.roots


def texts_of(steps: Sequence[Step]) -> dict[int, str]:
    """The texts of the tokens that stand in the tables of some steps."""
    tops = (stage.top for step in steps for row in step.rows for stage in row.processors)
    return {item.id: item.text for top in tops for item in top}


def text(texts: Mapping[int, str], token: int) -> str:
    """A token as a reader sees it; by its id where no table has its text."""
    return token_text(texts[token]) if token in texts else f"‹{token}›"


def _node(twig: Twig) -> Node:
    """A twig and what follows it without parting, as one line."""
    texts, start = [twig.text], twig.step
    while len(twig.next) == 1 and twig.next[0].beam.state == "live":
        twig = twig.next[0]
        texts.append(twig.text)
    span = str(start) if start == twig.step else f"{start}–{twig.step}"
    cells = (span, twig.beam.score, state(twig), twig.beam.reason or "")
    return Node("".join(texts), cells, tuple(_node(child) for child in twig.next))


def state(twig: Twig) -> str:
    """What became of the beam at the end of a line."""
    if twig.beam.state != "live":
        return twig.beam.state
    return "goes on" if twig.next else "outscored or still live"


def table(name: str, steps: Sequence[Step]) -> Table:
    """The beams that ended, best first, and those that are live after the last step."""
    last = [beam for row in steps[-1].rows for beam in row.beams if beam.state == "live" and not beam.only_fills]
    ended = [(step.index, beam) for step in steps for row in step.rows for beam in row.beams if beam.state != "live"]
    columns = (
        Column("score", "right"),
        Column("state"),
        Column("ended by"),
        Column("step", "right"),
        Column("tokens", "right"),
        Column("text"),
    )
    texts = texts_of(steps)
    found = [*((steps[-1].index, beam) for beam in last), *ended]
    rows = [
        (
            beam.score,
            beam.state,
            beam.reason or "",
            index,
            len(beam.tokens),
            "".join(text(texts, token) for token in beam.tokens),
        )
        for index, beam in sorted(found, key=lambda item: (item[1].state == "live", -item[1].score))
    ]
    return Table(f"Finished and live beams of {name}", columns, rows)


VIEW = View(
    "beams",
    "The beams of a beam search as a tree, with scores and why a beam ended",
    show,
    {"branch": OPTIONS["branch"]},
)
