"""The table of a model card: how often held-out questions are answered rightly, and what else the checkpoint shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from . import seeing
from .asking import Case, answers, cases, kinds
from .grammar import grammatical
from .questions import ABOUT_CLIPS, ABOUT_PICTURES

SEEDS = 8
NO_CAPTION = "unknown: no caption was right, and only in a right one is a colour word known to mean a thing"
Row = tuple[str, str]


def evaluate(
    directory: Path | str, sizes: Sequence[tuple[int, int]], clips: bool, number: int, say: Callable[[str], None]
) -> list[Row]:
    """Ask a checkpoint `number` held-out questions of each kind; the rows of the table, each told to `say`."""
    import inspector

    session = inspector.load(directory, dtype="float32", device="cpu")
    rows: list[Row] = []
    for measure in (_exact, _samples, _attention, _lens):
        for row in measure(session, sizes, clips, number):
            rows.append(row)
            say(f"{row[0]}: {row[1]}")
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    return "\n".join(["| measured | result |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def right(case: Case, answer: str) -> bool:
    return answer in case.question.answers


def _exact(session: Any, sizes: Sequence[tuple[int, int]], clips: bool, number: int) -> list[Row]:
    """Exact match by kind, plainly greedy; overall also as shipped, and with the pictures of other questions."""
    asked = {kind: cases(kind, number, sizes) for kind in kinds(clips)}
    marks = {kind: _marks(session, found, repetition_penalty=1.0) for kind, found in asked.items()}
    rows = [(f"exact match, {kind}", _share(marks[kind])) for kind in asked]
    seen = [kind for kind in asked if kind in ABOUT_PICTURES]
    rows.append(
        ("exact match, all questions about pictures, greedy", _share([mark for kind in seen for mark in marks[kind]]))
    )
    shipped = [mark for kind in seen for mark in _marks(session, asked[kind])]
    rows.append(("the same with the repetition penalty of the shipped settings", _share(shipped)))
    wrong = [mark for kind in seen for mark in _marks(session, _swapped(asked[kind]), repetition_penalty=1.0)]
    rows.append(("the same with another picture (baseline)", _share(wrong)))
    if clips:
        rows.append(("exact match, clips", _share([mark for kind in ABOUT_CLIPS for mark in marks[kind]])))
    return rows


def _marks(session: Any, found: Sequence[Case], **generation: Any) -> list[bool]:
    given = answers(session, found, **generation)
    return [right(case, answer) for case, answer in zip(found, given, strict=True)]


def _swapped(found: Sequence[Case]) -> list[Case]:
    """Each question with the picture of the question before it."""
    return [
        Case(case.scene, case.question, other.frames)
        for case, other in zip(found, [found[-1], *found[:-1]], strict=True)
    ]


def _samples(session: Any, sizes: Sequence[tuple[int, int]], clips: bool, number: int) -> list[Row]:
    """How answers vary over seeds, and whether they remain sentences."""
    found = [case for kind in kinds(clips) for case in cases(kind, min(number, 25), sizes[:1], seed=2)]
    hot, default = [], []
    for seed in range(SEEDS):
        _seed(seed)
        hot.append(answers(session, found, do_sample=True, temperature=1.0, repetition_penalty=1.0, top_k=0, top_p=1.0))
        shipped = session.model.generation_config.temperature
        default.append(answers(session, found, do_sample=True, temperature=shipped))
    distinct = [len(set(texts)) for texts in zip(*hot, strict=True)]
    captions = [count for case, count in zip(found, distinct, strict=True) if case.question.kind == "caption"]
    said = [(case, text) for texts in hot for case, text in zip(found, texts, strict=True)]
    return [
        (f"distinct answers of {SEEDS} seeds at temperature 1, mean", f"{mean(distinct):.1f}"),
        ("the same, captions alone", f"{mean(captions):.1f}"),
        (f"questions with at least 5 distinct answers of {SEEDS}", _share([count >= 5 for count in distinct])),
        ("grammatical at temperature 1", _share([grammatical(text) for _, text in said])),
        ("right at temperature 1", _share([right(case, text) for case, text in said])),
        ("grammatical at the default settings", _share([grammatical(text) for texts in default for text in texts])),
    ]


def _seed(seed: int) -> None:
    import torch

    torch.manual_seed(seed)


def _attention(session: Any, sizes: Sequence[tuple[int, int]], clips: bool, number: int) -> list[Row]:
    """The heads whose attention from the colour words of captions falls on the thing that is meant most often."""
    shares = seeing.heads_on_things(session, cases("caption", number, sizes[:1]))
    best = sorted(shares.items(), key=lambda item: -item[1])[:3]
    text = ", ".join(f"layer {layer} head {head} {share:.1%}" for (layer, head), share in best)
    return [("top attention of a caption's colour word on its thing, best heads", text or NO_CAPTION)]


def _lens(session: Any, sizes: Sequence[tuple[int, int]], clips: bool, number: int) -> list[Row]:
    found = [case for kind in ABOUT_PICTURES for case in cases(kind, min(number, 25), sizes[:1])]
    text = ", ".join(f"{share:.2f}" for share in seeing.lens_agreement(session, found))
    return [("logit lens: agreement with the final token, layer by layer", text)]


def _share(marks: Sequence[bool]) -> str:
    return f"{mean(marks):.1%} of {len(marks)}"
