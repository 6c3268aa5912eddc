"""The patches of a vision tower under the numbers that their pictures give them."""

from __future__ import annotations

import pytest

from inspector import Trace
from inspector.analysis.layers import choose
from inspector.analysis.patches import Patches, patches
from tests.attention_cases import model, pictures, recorded
from tests.fakes import tiny_inputs


@pytest.fixture(scope="module")
def three() -> Trace:
    """Pictures of 4 × 6, 10 × 8 and 6 × 2 patches, in windows."""
    return recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"), values=())


def of(trace: Trace, row: int = 0) -> Patches:
    return patches(choose(trace, "vision.0"), row)


def test_patches_count_in_their_picture_in_the_order_of_pixel_values(three: Trace) -> None:
    found = of(three)
    assert found.reordered
    assert found.starts == [0, 24, 104]
    for patch, place in enumerate(found.places):
        number = found.number(place)
        assert number == patch - max(start for start in found.starts if start <= patch)
    place = found.places[24 + 6]
    assert found.name(place) == "image 2, row 1, column 2"
    assert found.at(place) == (found.regions[1], 1, 2)
    assert found.summary == "116 patches"


@pytest.mark.parametrize(("picture", "row", "column"), [(0, 2, 3), (1, 5, 4), (2, 3, 1)])
def test_the_patch_in_the_middle_is_in_the_middle_of_its_picture(
    three: Trace, picture: int, row: int, column: int
) -> None:
    found = of(three)
    assert found.at(found.places[found.middle(picture)]) == (found.regions[picture], row, column)


def test_how_many_patches_a_picture_has(three: Trace) -> None:
    assert [of(three).extent(number) for number in range(3)] == [(0, 24), (24, 80), (104, 12)]


def test_a_class_token_is_no_patch() -> None:
    trace = recorded(model("llava"), tiny_inputs("llava"), values=())
    for row in (0, 1):
        found = of(trace, row)
        assert (list(found.places), list(found.others)) == ([1, 2, 3, 4], [0])
        assert found.number(0) is None
        assert found.name(0) == "class token"
        assert [found.number(place) for place in found.places] == [0, 1, 2, 3]
        assert found.name(4) == f"image {row + 1}, row 1, column 1"
        assert found.summary == "4 patches and a class token"
        assert list(found.order) == [1, 2, 3, 4, 0]


def test_a_tower_without_a_class_token() -> None:
    found = of(recorded(model("gemma3"), tiny_inputs("gemma3"), values=()))
    assert (len(found.places), list(found.others), found.summary) == (16, [], "16 patches")
