from __future__ import annotations

from inspector.tui.widgets.slicing import Slicing


def test_the_last_two_axes_at_the_start_of_the_others() -> None:
    slicing = Slicing.of((1, 8, 31, 64))
    assert (slicing.rows, slicing.columns, slicing.at, slicing.active) == (2, 3, (0, 0), 1)
    assert slicing.address(5, 7) == "[0, 0, 5, 7]"


def test_every_pair_of_axes_comes_up() -> None:
    slicing = Slicing.of((2, 3, 4))
    pairs = set()
    for _ in range(3):
        pairs.add((slicing.rows, slicing.columns))
        slicing = slicing.next_axes()
    assert pairs == {(1, 2), (0, 2), (0, 1)}
    assert slicing == Slicing.of((2, 3, 4))


def test_turned() -> None:
    slicing = Slicing.of((2, 3, 4)).turned()
    assert (slicing.rows, slicing.columns) == (2, 1)
    assert slicing.address("row", "column") == "[0, column, row]"


def test_indices_step_round_and_round() -> None:
    slicing = Slicing.of((1, 3, 4, 5))
    assert slicing.stepped(-1).at == (0, 2)
    assert slicing.stepped(4).at == (0, 1)
    assert slicing.stepped(1, axis=0).active == 0


def test_another_axis_to_step_along() -> None:
    slicing = Slicing.of((2, 3, 4, 5))
    assert slicing.active == 1
    assert slicing.next_active().active == 0
    assert slicing.next_active().next_active().active == 1


def test_an_index_is_kept_while_its_axis_is_looked_at() -> None:
    slicing = Slicing.of((2, 3, 4)).stepped(1)
    assert slicing.next_axes().next_axes().next_axes().at == (1,)


def test_few_axes() -> None:
    for shape in ((), (4,), (4, 5)):
        slicing = Slicing.of(shape)
        assert slicing.at == ()
        assert slicing.stepped(1) == slicing
        assert slicing.next_active() == slicing
        assert slicing.next_axes() == slicing
    assert Slicing.of(()).address(0, 0) == "[]"
    assert Slicing.of((4,)).address(0, 3) == "[3]"
    assert Slicing.of((4,)).turned() == Slicing.of((4,))
