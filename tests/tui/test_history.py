"""Back and forward between calls."""

from __future__ import annotations

from inspector.tui.history import History


def test_back_and_forward_walk_the_jumps() -> None:
    history = History()
    history.leave(1)
    history.leave(5)
    assert history.back(9) == 5
    assert history.back(5) == 1
    assert history.back(1) is None
    assert history.forward(1) == 5
    assert history.forward(5) == 9
    assert history.forward(9) is None


def test_a_new_jump_forgets_what_lay_ahead() -> None:
    history = History()
    history.leave(1)
    assert history.back(2) == 1
    history.leave(1)
    assert history.forward(7) is None
    assert history.back(7) == 1


def test_nothing_is_left_behind_where_nothing_was_selected() -> None:
    history = History()
    history.leave(None)
    assert history.back(3) is None
