"""What the tab of attention says: whole at any size, and where a key has come to its end; heads with own masks."""

from __future__ import annotations

from functools import cache

import pytest
import torch

import inspector
from inspector import Trace
from inspector.tui.widgets.attention.heading import Heading
from inspector.tui.widgets.attention.map_pane import MapPane
from inspector.tui.widgets.attention.picture_pane import PicturePane
from inspector.tui.widgets.attention.spot import MEAN
from inspector.tui.widgets.attention.tokens import LitTokens
from inspector.tui.widgets.attention.where_bar import WhereBar
from inspector.tui.widgets.line import Line
from inspector.tui.widgets.patch_picture import PatchPicture
from tests.attention_cases import KEPT, eager, model, recorded, text
from tests.prompts import Part, inputs, random_model
from tests.tui.apps import settled
from tests.tui.attention_screen import looking, press, screen, sight
from tests.tui.widgets.screens import shown
from tests.tui.widgets.screens import text as lines

NARROW = (80, 24)
MANY: list[Part] = [3, ("image", (1, 20, 24)), 2, ("image", (1, 8, 8)), 2, ("video", (3, 8, 8)), 4]


@cache
def many() -> Trace:
    """Two pictures, one of 480 patches, and a video of three temporal patches."""
    subject = random_model("qwen2_5_vl")
    with inspector.capture(subject, values=KEPT) as trace, torch.no_grad():
        subject(**inputs("qwen2_5_vl", [MANY]))
    return trace


@pytest.mark.parametrize("size", [NARROW, (160, 50)])
@pytest.mark.parametrize("keys", [(), ("t",), ("t", "right_parenthesis", "right_parenthesis", "right_parenthesis")])
async def test_nothing_that_is_said_is_cut(size: tuple[int, int], keys: tuple[str, ...]) -> None:
    async with looking(many(), size) as (pilot, tab):
        await press(pilot, *keys)
        found = [line for widget in (Heading, LitTokens, PicturePane) for line in said(tab.query_one(widget))]
        assert [line for line in found if "…" in line] == []
        assert any(line.strip().startswith("layer") and "step 0" in line for line in found)
        for mode in range(3):
            assert [line for line in said(tab.query_one(MapPane)) if "…" in line] == [], mode
            await press(pilot, "x")


def said(widget: Heading | LitTokens | PicturePane | MapPane) -> list[str]:
    """The lines of words that are on the screen."""
    return [lines(line)[0] for line in widget.query(Line) if line.size.width]


async def test_a_line_takes_the_longest_wording_that_fits() -> None:
    async with shown(line := Line(), (12, 1)) as pilot:
        for wordings, expected in [
            (("ten cells.", "short"), " ten cells."),
            (("eleven cell", "short"), " short"),
            (("eleven cell", "none fits it"), " none fits…"),
        ]:
            line.say(*wordings)
            await pilot.pause()
            assert lines(line)[0] == expected


async def test_shares_below_a_percent_are_written_too() -> None:
    async with looking(many()) as (pilot, tab):
        labels = pilot.app.screen.query_one(PatchPicture).patches.labels  # type: ignore[union-attr]
        assert labels is not None
        shares = sight(tab).regions[0].map(sight(tab).probabilities)  # type: ignore[arg-type]
        for texts, row in zip(labels, shares, strict=True):
            for label, share in zip(texts, row, strict=True):
                assert label == (f"{share:.1%}"[1:] if share < 0.0095 else f"{share:.0%}")
        assert any(label.startswith(".") for texts in labels for label in texts)


async def test_an_entropy_has_few_digits_and_a_unit() -> None:
    async with looking(recorded(model("qwen2"), text(), steps=1)) as (pilot, tab):
        found = sight(tab).entropies[1][0]
        assert f"layer 1, head 0 = {found:.3g} nats" in screen(pilot)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("n", "There is no layer after this one."),
        ("E", "There is no head before this one."),
        ("right_square_bracket", "There is no step after this one."),
        ("comma", "There is no row before this one."),
    ],
)
async def test_a_key_that_has_come_to_an_end_says_so(key: str, said: str) -> None:
    async with looking(recorded(model("qwen2"), text(True), steps=2)) as (pilot, _):
        await press(pilot, "right_square_bracket")
        assert [note.message for note in pilot.app._notifications] == []
        await press(pilot, key, key)
        assert [note.message for note in pilot.app._notifications] == [said]


async def test_heads_with_masks_of_their_own() -> None:
    """Head 1 sees three tokens before its own and no others."""
    causal = torch.ones(17, 17, dtype=torch.bool).tril()
    seen = causal.repeat(1, 4, 1, 1)
    seen[:, 1] &= causal.triu(-3)
    given = {"input_ids": text()["input_ids"], "attention_mask": seen}
    added = {**given, "attention_mask": torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)}
    weights = eager(model("qwen2", "eager"), added, steps=1).weights["model.layers.1.self_attn"][0][0, :, -1]
    async with looking(recorded(model("qwen2"), given, steps=1)) as (pilot, tab):
        for head in range(4):
            tab.go(heads=("head", head))
            await settled(pilot)
            torch.testing.assert_close(sight(tab).probabilities, weights[head], atol=1e-5, rtol=1e-4)
            assert len(sight(tab).top) == (4 if head == 1 else 17)
        tab.go(heads=MEAN)
        await settled(pilot)
        torch.testing.assert_close(sight(tab).probabilities, weights.mean(0), atol=1e-5, rtol=1e-4)


async def test_the_token_that_comes_next_is_named_where_there_is_one() -> None:
    async with looking(many()) as (pilot, tab):
        bar = tab.query_one(WhereBar)
        assert "next" not in bar.render().plain
        await press(pilot, "left")
        conversation, query = sight(tab).conversation, sight(tab).spot.token
        assert conversation is not None
        assert query is not None
        after = conversation.tokens.at(query + 1)
        assert after is not None
        assert f"token {query} " in bar.render().plain
        assert "next ‘" in bar.render().plain
