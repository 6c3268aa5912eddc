"""Where one token stands and how that comes about, in words; and the tokens that were decoded."""

from __future__ import annotations

import pytest

from inspector import InputError
from inspector.analysis.conversation import conversation
from inspector.analysis.forwards import layout
from inspector.analysis.placement import placements
from inspector.trace import Trace
from inspector.views.place_words import token_facts
from inspector.views.positions import VIEW
from tests.placed_trace import LENGTH, placed_trace
from tests.prompts import PER_SECOND, inputs, random_model
from tests.views.shown import run, titled


def facts(trace: Trace, index: int, *, step: int = 0, row: int = 0) -> dict[str, tuple[str, bool]]:
    standing = conversation(trace, placements(trace), step, row).at(index)
    assert standing is not None
    return {name: (text, wrong) for name, text, wrong in token_facts(trace, standing, layout(trace))}


def test_what_was_decoded_is_part_of_the_conversation() -> None:
    trace = placed_trace(steps=3)
    talk = conversation(trace, placements(trace), 2, 0)
    assert [token.id for token in talk.tokens[LENGTH:]] == [58, 58]
    assert [token.position for token in talk.tokens[-3:]] == [(9, 9, 9), (10, 10, 10), (11, 11, 11)]
    assert len(conversation(trace, placements(trace), 1, 0).tokens) == LENGTH + 1
    assert talk.at(LENGTH + 2) is None
    assert talk.index_of(talk.placements[2], 0) == LENGTH + 1
    assert facts(trace, LENGTH + 1, step=2)["comes about"][0] == "Index 13 plus the rope delta -2 is 11."


def test_every_token_of_a_picture_leads_to_its_place_and_back() -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[3, ("image", (1, 8, 12)), 4]]))
    talk = conversation(trace, placements(trace), 0, 0)
    places = [talk.at(index).spot for index in range(3, 27)]  # type: ignore[union-attr]
    assert [(spot.row, spot.column) for spot in places if spot] == [
        (row, column) for row in range(4) for column in range(6)
    ]
    assert facts(trace, 3)["window"][0].startswith("0 of the vision tower")


def test_the_time_of_a_frame_with_its_seconds() -> None:
    trace = run(random_model("qwen2_5_vl"), inputs("qwen2_5_vl", [[2, ("video", (3, 4, 8)), 3]]))
    spot = conversation(trace, placements(trace), 0, 0).at(2 + 8 + 5)
    assert spot is not None
    assert spot.spot is not None
    assert (spot.spot.frame, spot.spot.row, spot.spot.column) == (1, 1, 1)
    told = facts(trace, 15)["comes about"][0]
    assert ", frames 3–4 of 6, " in told
    assert f"⌊1 frame of patches behind the first × {PER_SECOND} a second × " in told


def test_padding_and_faults_are_told() -> None:
    padded = placed_trace(padding=[[1] * LENGTH, [0] * 4 + [1] * 8])
    assert list(facts(padded, 2, row=1)) == ["position"]
    assert facts(placed_trace(types=False), 6)["position"] == ("t 6, h 6, w 6 found, t 3, h 4, w 4 expected", True)
    stale = facts(placed_trace(steps=2, delta=-7), LENGTH, step=1)
    assert stale["rope delta"] == ("-7, written in step 0; -2 is needed", True)


def test_the_view_says_the_same() -> None:
    rows = titled(VIEW(placed_trace(), token="5"), "Where the token stands").rows  # type: ignore[union-attr]
    assert rows[0] == ("position", "t 3, h 4, w 3", None)
    with pytest.raises(InputError, match="--token 40: there are 12 tokens"):
        VIEW(placed_trace(), token="40")
