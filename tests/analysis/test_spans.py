"""Spans hold any mask exactly, and answer about a large one without drawing it."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.spans import Bools, Spans, from_rows, runs, runs_of

SIDE = 32_768


def dense(found: Spans) -> Bools:
    return found.part(range(found.queries), range(found.keys))


@st.composite
def masks(draw: st.DrawFn, count: int = 1) -> list[Bools]:
    queries, keys = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    line = st.lists(st.booleans(), min_size=keys, max_size=keys)
    table = st.lists(line, min_size=queries, max_size=queries)
    return [np.array(draw(table)) for _ in range(count)]


@given(masks(2), st.data())
def test_spans_are_the_mask(both: list[Bools], data: st.DataObject) -> None:
    one, two = map(from_rows, both)
    for found, mask in ((one, both[0]), (one & two, both[0] & both[1]), (one | two, both[0] | both[1])):
        assert (dense(found) == mask).all()
        assert (found.counts() == mask.sum(1)).all()
        rows, columns = (data.draw(edges(size)) for size in mask.shape)
        means = [
            [mask[top:bottom, left:right].mean() for left, right in pairwise(columns)] for top, bottom in pairwise(rows)
        ]
        assert np.allclose(found.cells(rows, columns), means)


def edges(size: int) -> st.SearchStrategy[list[int]]:
    inner = st.sets(st.integers(1, max(1, size - 1)), max_size=3)
    return inner.map(lambda between: sorted({0, size, *(edge for edge in between if edge < size)}))


@given(masks(), st.data())
def test_parts_with_steps(mask: list[Bools], data: st.DataObject) -> None:
    (seen,) = mask
    rows = range(0, seen.shape[0], data.draw(st.integers(1, 3)))
    columns = range(data.draw(st.integers(0, seen.shape[1] - 1)), seen.shape[1])
    assert (from_rows(seen).part(rows, columns) == seen[:: rows.step, columns.start :]).all()


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = np.random.default_rng(0).random((40, 30)) < 0.4
    seen[:, :3] = False
    expected = from_rows(seen)
    cells = expected.cells([0, 13, 40], [0, 4, 30])
    monkeypatch.setattr("inspector.analysis.spans.PIECE", 100)
    found = from_rows(seen)
    assert (dense(found) == seen).all()
    assert np.allclose(found.cells([0, 13, 40], [0, 4, 30]), cells)


def test_keys_that_nobody_sees_do_not_break_a_run() -> None:
    causal = np.tri(6, dtype=np.bool_)
    causal[:, 2] = False
    found = from_rows(causal)
    assert found.low.shape[0] == 1
    assert found.visible is not None
    assert np.flatnonzero(~found.visible).tolist() == [2]


def test_runs_of_a_line() -> None:
    starts, stops = runs_of(np.array([1, 1, 0, 1, 0, 0, 1], dtype=np.bool_))
    assert list(zip(starts.tolist(), stops.tolist(), strict=True)) == [(0, 2), (3, 4), (6, 7)]
    assert runs_of(np.zeros(3, np.bool_))[0].tolist() == []


def test_a_large_mask_answers_within_a_key_press() -> None:
    """A window of the largest mask that the issue names, drawn as large as a screen; the best of a few times."""
    queries = np.arange(SIDE)
    hidden = np.ones(SIDE, np.bool_)
    hidden[:1000] = False
    found = runs(queries - 4095, queries + 1, SIDE, SIDE).among(hidden)
    rows, columns = (np.linspace(0, SIDE, count + 1).astype(int).tolist() for count in (64, 160))
    best = min(
        timed(lambda: (found.cells(rows, columns), found.counts(), found.part(range(64), range(160)))) for _ in range(5)
    )
    assert best < 0.05
    assert found.low.nbytes + found.high.nbytes < 2**20


def timed(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start
