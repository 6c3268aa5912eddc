from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.tensors import edges
from inspector.tui.widgets.viewport import Axis, Window

sizes, rooms = st.integers(1, 5000), st.integers(1, 120)
steps = st.lists(
    st.sampled_from(["zoom in", "zoom out", "right", "left", "page", "jump", "narrow", "exact"]), max_size=20
)


def walked(size: int, room: int, moves: list[str]) -> Axis:
    axis = Axis(size).fitted(room, exact=False)
    for move in moves:
        axis = {
            "zoom in": lambda a: a.zoomed(1),
            "zoom out": lambda a: a.zoomed(-1),
            "right": lambda a: a.moved(1),
            "left": lambda a: a.moved(-1),
            "page": lambda a: a.moved(a.room),
            "jump": lambda a: a.at(a.size * 2 // 3),
            "narrow": lambda a: a.fitted(max(1, a.room // 2), exact=a.exact),
            "exact": lambda a: a.fitted(a.room, exact=not a.exact),
        }[move](axis)
    return axis


@given(sizes, rooms, steps)
def test_the_cursor_stays_in_sight_and_within_bounds(size: int, room: int, moves: list[str]) -> None:
    axis = walked(size, room, moves)
    assert 0 <= axis.cursor < size
    assert axis.here in axis.shown
    assert axis.cursor in axis.covered
    assert len(axis.shown) <= axis.room
    assert axis.shown.start >= 0
    assert axis.shown.stop <= axis.cells


@given(sizes, rooms, steps)
def test_cells_cover_every_element_once(size: int, room: int, moves: list[str]) -> None:
    axis = walked(size, room, moves)
    expected = [*range(0, size, axis.step), size] if axis.step else edges(size, axis.cells)
    assert [axis.edge(cell) for cell in range(axis.cells + 1)] == expected
    assert axis.edges()[0] == axis.elements.start
    assert axis.edges()[-1] == axis.elements.stop


def test_the_whole_fits_at_first() -> None:
    axis = Axis(1000).fitted(64, exact=False)
    assert axis.elements == range(1000)
    assert axis.cells == 64


def test_zooming_ends_at_a_cell_an_element() -> None:
    axis = Axis(1000).fitted(64, exact=False)
    for _ in range(20):
        axis = axis.zoomed(1)
    assert axis.finest
    assert axis.cells == 1000
    assert axis.zoomed(-4).elements == range(1000)


def test_steps_are_powers_of_two() -> None:
    axis = Axis(1000).fitted(64, exact=False)
    assert [axis.zoomed(by).step for by in range(6)] == [0, 8, 4, 2, 1, 1]


def test_zooming_keeps_the_cursor_where_it_is_on_the_screen() -> None:
    axis = Axis(10_000).fitted(100, exact=False).at(5000)
    closer = axis.zoomed(1)
    assert abs((closer.here - closer.first) - (axis.here - axis.first)) <= 1
    assert closer.cursor == 5000


def test_nothing_to_see() -> None:
    assert Axis(0).fitted(10, exact=False).edges() == [0, 0]


def test_a_window_moves_on_both_axes() -> None:
    window = Window.over(100, 10).fitted(20, 10)
    assert window.moved(1, 3).cursor == (5, 3)
    assert window.at(50, 50).cursor == (50, 9)
    assert window.zoomed(1).whole().edges() == window.edges()
    assert not window.finest
    assert window.fitted(20, 10, exact=True).finest
