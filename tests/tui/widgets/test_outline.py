from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.widgets.outline import Outline


def outline(parents: list[int | None]) -> Outline:
    built = Outline()
    for parent in parents:
        built.add(parent)
    built.update()
    return built


TREE: list[int | None] = [None, 0, 1, 1, 0, 4, None]
"""0 ( 1 ( 2 3 ) 4 ( 5 ) ) 6"""


@st.composite
def trees(draw: st.DrawFn) -> list[int | None]:
    """Parents in pre-order: each item hangs below the one before it, or below one of what encloses that."""
    parents: list[int | None] = []
    open_items: list[int] = []
    for number in range(draw(st.integers(1, 30))):
        keep = draw(st.integers(0, len(open_items)))
        del open_items[keep:]
        parents.append(open_items[-1] if open_items else None)
        open_items.append(number)
    return parents


def below(parents: list[int | None], item: int) -> set[int]:
    found = {item}
    for number, parent in enumerate(parents):
        if parent in found:
            found.add(number)
    return found - {item}


class TestHierarchy:
    def test_depths_and_ends(self) -> None:
        built = outline(TREE)
        assert built.depths == [0, 1, 2, 2, 1, 2, 0]
        assert [built.end(item) for item in range(7)] == [6, 4, 3, 4, 6, 6, 7]

    def test_siblings(self) -> None:
        built = outline(TREE)
        assert built.next_sibling(1) == 4
        assert built.next_sibling(4) is None
        assert built.next_sibling(0) == 6
        assert built.previous_sibling(4) == 1
        assert built.previous_sibling(2) is None
        assert built.previous_sibling(6) == 0

    def test_guides(self) -> None:
        assert [outline(TREE).guides(item) for item in range(7)] == ["", "├ ", "│ ├ ", "│ └ ", "└ ", "  └ ", ""]

    def test_an_item_whose_parent_is_missing_stands_at_the_top(self) -> None:
        assert outline([None, 0, 99]).depths == [0, 1, 0]

    @given(trees())
    def test_what_hangs_below_an_item_follows_it(self, parents: list[int | None]) -> None:
        built = outline(parents)
        for item in range(len(parents)):
            assert set(range(item + 1, built.end(item))) == below(parents, item)

    @given(trees())
    def test_siblings_lead_there_and_back(self, parents: list[int | None]) -> None:
        built = outline(parents)
        for item in range(len(parents)):
            after = built.next_sibling(item)
            if after is not None:
                assert built.previous_sibling(after) == item
                assert parents[after] == parents[item]


class TestFolding:
    def test_everything_shows_without_a_list_being_made(self) -> None:
        assert outline(TREE).rows == range(7)

    @given(trees(), st.sets(st.integers(0, 29)))
    def test_what_is_below_something_folded_is_hidden(self, parents: list[int | None], folded: set[int]) -> None:
        built = outline(parents)
        for item in folded & set(range(len(parents))):
            built.fold(item)
        hidden = set().union(*(below(parents, item) for item in built.folded), set())
        assert list(built.rows) == [item for item in range(len(parents)) if item not in hidden]
        for row, item in enumerate(built.rows):
            assert built.row_of(item) == row
        for item in hidden:
            assert built.row_of(item) is None
            assert built.rows[built.row_near(item)] in built.folded

    def test_reveal_unfolds_what_encloses_an_item(self) -> None:
        built = outline(TREE)
        built.fold(0)
        built.fold(1)
        built.reveal(3)
        assert built.row_of(3) is not None
        assert not built.folded

    def test_a_leaf_does_not_fold(self) -> None:
        built = outline(TREE)
        built.fold(2)
        assert not built.folded

    def test_fold_below_a_depth(self) -> None:
        built = outline(TREE)
        built.fold_below(1)
        assert list(built.rows) == [0, 1, 4, 6]
        built.fold_below(None)
        assert len(built.rows) == 7


class TestFilter:
    def test_a_selection_hides_the_rest_whatever_is_folded(self) -> None:
        built = outline(TREE)
        built.fold(0)
        built.select([3, 5])
        assert list(built.rows) == [3, 5]
        assert not built.is_folded(0)
        built.select(None)
        assert list(built.rows) == [0, 6]

    def test_ancestors_come_along(self) -> None:
        assert outline(TREE).with_ancestors([3, 6]) == [0, 1, 3, 6]

    def test_nothing_is_found_in_an_outline_without_items(self) -> None:
        built = outline([])
        built.select([])
        assert built.row_near(0) == 0


def test_guides_of_a_deep_item_in_little_room() -> None:
    outline = Outline()
    above = None
    for _ in range(9):
        above = outline.add(above)
    outline.update()
    assert outline.guides_within(2, 4) == "  └ "
    assert outline.guides_within(8, 8) == "       └"
    assert outline.guides_within(8, 5) == "…   └"
