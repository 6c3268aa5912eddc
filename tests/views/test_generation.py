"""The views of a generation, on records that are written by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from inspector.errors import InputError
from inspector.parts import Node, Table, Tree
from inspector.trace import MemoryValues, Trace
from inspector.trace.stages import Stage, Stages, Standing, Top
from inspector.trace.steps import (
    Beam,
    BranchRecord,
    Choice,
    Criterion,
    Draft,
    GenerationRecord,
    Step,
    StepRow,
    Timings,
)
from inspector.views import beams, branches, processors, steps
from tests.traces import model_info, small_trace

TEXTS = {7: " the", 8: "\x1b[31m", 9: "你", 10: "[b]", 11: "x"}


def stage(name: str, ids: list[int], probabilities: list[float], chosen: int, kept: int = 320) -> Stage:
    scores = [math.log(value) for value in probabilities]
    rank = ids.index(chosen) + 1 if chosen in ids else 99
    log = scores[rank - 1] if chosen in ids else -math.inf
    parameters = {} if name == "raw" else {name: 0.5}
    return Stage(name, parameters, 0, 0, kept, 1.5, Top(ids, scores, probabilities, TEXTS), Standing(log, log, rank))


def made(index: int, token: int, *, forced: bool = False, ended: bool = False, draft: Draft | None = None) -> Step:
    raw = stage("raw", [7, 8, 9], [0.5, 0.3, 0.1], token)
    kept = stage("top_k", [7, 9], [0.6, 0.4], token, kept=2)
    choice = Choice(token, TEXTS[token], 1 if token == 7 else 2, math.log(0.4), math.log(0.1), 7, forced)
    stopping = (Criterion("max_length", index == 2), Criterion("eos_token", False))
    row = StepRow(Stages([raw, kept]), choice, stopping, (index, index, index), ended)
    return Step(
        index, 5 + index, (row,), Timings(0.01, 0.008, 0.001, 0.001), index, (5 + index, 4096), draft, f"logits/{index}"
    )


def record() -> GenerationRecord:
    main = [made(0, 7), made(1, 9), made(2, 7)]
    other = [made(1, 7, forced=True)]
    return GenerationRecord(
        "sample",
        3,
        {"temperature": 0.5},
        5,
        320,
        {
            "main": BranchRecord("main", None, 0, main, [[7, 9, 7]], [" the你 the"], reason="max_length"),
            "other": BranchRecord("other", "main", 1, other, [[7, 7]], [" the the"], [(1, "forced ' the'")]),
        },
    )


@pytest.fixture
def trace() -> Trace:
    values = MemoryValues({f"logits/{index}": torch.linspace(0, 3, 320)[None] for index in range(3)})
    return Trace(model_info(), generation=record(), values=values)


def test_steps_in_a_table(trace: Trace) -> None:
    *curves, table = steps.show(trace)
    assert [curve.kind for curve in curves] == ["curve", "curve"]
    assert isinstance(table, Table)
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    assert [row["token"] for row in rows] == ["·the", "你", "·the"]
    assert [row["greedy"] for row in rows] == [None, "·the", None]
    assert rows[1]["probability"] == pytest.approx(40)
    assert rows[2]["stopped by"] == "max_length"
    assert rows[0]["position"] == "0,0,0"
    assert (rows[2]["cache"], rows[2]["bytes"]) == (7, 4096)
    assert "drafted" not in names
    assert table.note == "Ended by max_length."


def test_steps_of_a_branch_go_from_the_start(trace: Trace) -> None:
    (table,) = steps.show(trace, branch="other")
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == ["·the", "·the"]
    assert table.rows[1][4] == "(forced)"
    with pytest.raises(InputError, match="there are main, other"):
        steps.show(trace, branch="third")
    with pytest.raises(InputError, match="of the rows there is only number 0"):
        steps.show(trace, row="1")


def test_drafts_have_columns_where_there_are_any(trace: Trace) -> None:
    assert trace.generation is not None
    branch = trace.generation.branches["main"]
    branch.steps = [made(0, 7, draft=Draft((7, 9, 11), 2)), made(1, 9), made(2, 7, ended=True)]
    *_, table = steps.show(trace)
    assert isinstance(table, Table)
    at = [column.name for column in table.columns].index("accepted")
    assert [row[at : at + 2] for row in table.rows] == [(2, 3), (None, None), (None, None)]
    assert table.rows[2][1] == "(ended)"


def test_processors_of_a_step(trace: Trace) -> None:
    pipeline, bars, tokens = processors.show(trace, step="1")
    assert isinstance(pipeline, Table)
    assert [row[0] for row in pipeline.rows] == ["raw", "top_k"]
    assert pipeline.rows[1][1] == "top_k=0.5"
    assert pipeline.rows[1][9] == 2
    assert "Chosen: '你' (9) with 40.00%, rank 2" in pipeline.note
    assert bars.kind == "curve"
    assert isinstance(tokens, Table)
    assert [column.name for column in tokens.columns] == ["token", "id", "raw", "top_k"]
    assert [row[:2] for row in tokens.rows] == [("·the", 7), ("你", 9), ("␛[31m", 8)]
    assert tokens.rows[2][3] == 0.0  # removed: the table of top_k shows everything that it kept
    with pytest.raises(InputError, match="there are 3 steps in main"):
        processors.show(trace, step="3")


def test_a_token_is_followed_with_its_raw_place_from_the_logits(trace: Trace) -> None:
    (table,) = processors.show(trace, step="0", token="319")
    assert isinstance(table, Table)
    assert table.rows[0][1:] == (3.0, pytest.approx(100 * float(torch.linspace(0, 3, 320).softmax(0)[319])), 1)
    assert table.rows[1] == ("top_k", None, 0.0, None)
    (table,) = processors.show(trace, step="0", token="你")
    assert "'你'" in table.title
    with pytest.raises(InputError, match="name the token by its id"):
        processors.show(trace, token="nowhere")


def test_branches_as_a_tree_and_side_by_side(trace: Trace) -> None:
    (tree,) = branches.show(trace)
    assert isinstance(tree, Tree)
    (main,) = tree.roots
    assert main.label == "main ◂"
    assert main.cells[:4] == (0, 3, pytest.approx(3 * math.log(0.1)), "max_length")
    assert main.children[0].label == "other"
    assert main.children[0].cells[4] == "1: forced ' the'"
    (table,) = branches.show(trace, compare="main, other")
    assert isinstance(table, Table)
    assert [row[3] for row in table.rows] == ["", "≠", "≠"]
    assert table.note == "They part at step 1."
    (table,) = branches.show(trace, compare="main,main")
    assert isinstance(table, Table)
    assert table.note == "They are the same."
    with pytest.raises(InputError, match="two were expected, of main, other"):
        branches.show(trace, compare="main")


def test_beams_as_a_tree(trace: Trace) -> None:
    assert trace.generation is not None
    first = [Beam(0, 7, -1.0, 0, "live", None, (7,)), Beam(0, 9, -1.5, 1, "live", None, (9,))]
    second = [
        Beam(0, 9, -1.2, 0, "live", None, (7, 9)),
        Beam(0, 11, -0.9, None, "finished", "eos_token", (7, 11)),
        Beam(1, 10, -1e9, 1, "live", None, (9, 10)),
    ]
    trace.generation.branches["main"].steps = [with_beams(made(0, 7), first), with_beams(made(1, 9), second)]
    tree, table = beams.show(trace)
    assert isinstance(tree, Tree)
    assert walk(tree.roots) == [
        (0, "·the", "0", "goes on", ""),
        (1, "你", "1", "outscored or still live", ""),
        (1, "‹11›", "1", "finished", "eos_token"),
        (0, "你", "0", "outscored or still live", ""),
    ]
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == ["finished", "live"]
    assert table.rows[0][5] == "·the‹11›"


def with_beams(step: Step, found: list[Beam]) -> Step:
    rows = tuple(
        replace(step.rows[0], beams=tuple(beam for beam in found if beam.parent == number)) for number in range(2)
    )
    return replace(step, rows=rows)


def walk(nodes: tuple[Node, ...], depth: int = 0) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for node in nodes:
        found.append((depth, node.label, node.cells[0], node.cells[2], node.cells[3]))
        found += walk(node.children, depth + 1)
    return found


@pytest.mark.parametrize("view", [steps, processors, beams, branches])
def test_a_trace_of_forwards_alone_says_where_generations_come_from(view: object) -> None:
    (table,) = view.show(small_trace())  # type: ignore[attr-defined]
    assert "inspector generate" in table.note


def test_what_is_no_beam_search_says_so(trace: Trace) -> None:
    (table,) = beams.show(trace)
    assert isinstance(table, Table)
    assert "main is no beam search but sample" in table.note
