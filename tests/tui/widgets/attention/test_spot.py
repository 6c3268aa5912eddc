"""Which look is looked at: heads one by one, by the keys that they share, all of them."""

from __future__ import annotations

import pytest

from inspector.tui.widgets.attention.spot import MEAN, Choice, Spot, choices, chosen, clamped, named, widened


def test_heads_come_behind_the_group_that_shares_their_keys() -> None:
    assert list(choices(4, 2)) == [
        MEAN,
        ("group", 0),
        ("head", 0),
        ("head", 1),
        ("group", 1),
        ("head", 2),
        ("head", 3),
    ]
    assert list(choices(2, 1)) == [MEAN, ("head", 0), ("head", 1)]


@pytest.mark.parametrize(
    ("choice", "heads", "words"),
    [
        (MEAN, range(6), "mean of 6 heads"),
        (("group", 1), range(3, 6), "mean of heads 3–5"),
        (("head", 4), range(4, 5), "head 4"),
    ],
)
def test_the_heads_of_a_choice(choice: Choice, heads: range, words: str) -> None:
    assert chosen(choice, 6, 3) == heads
    assert named(choice, 6, 3) == words


def test_one_head_widens_to_its_group_and_to_all() -> None:
    group = widened(("head", 5), 3)
    assert group == ("group", 1)
    assert widened(group, 3) == MEAN
    assert widened(MEAN, 3) == ("head", 0)
    assert widened(("head", 5), 1) == MEAN


def test_numbers_that_are_too_large_are_the_last_there_is() -> None:
    assert clamped(Spot(heads=("head", 9)), 4, 6, 3) == Spot(layer=3, heads=("head", 5))
    assert clamped(Spot(layer=-1, heads=("group", 9)), 4, 6, 3) == Spot(layer=0, heads=("group", 1))
    assert clamped(Spot(layer=2, heads=("group", 0)), 4, 6, 1).heads == MEAN
