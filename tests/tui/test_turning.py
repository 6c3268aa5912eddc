"""Tab 2, turning: layers are named by the numbers that the model gives them."""

from __future__ import annotations

from tests.attention_cases import model
from tests.attention_cases import text as prompt
from tests.tui.apps import Quiet
from tests.tui.test_positions import WIDE, page, press, tokens
from tests.views.shown import run


async def test_a_layer_whose_neighbours_have_no_attention() -> None:
    trace = run(model("qwen3_next"), prompt(), values="*")
    async with Quiet().run_test(size=WIDE) as pilot:
        tab = await tokens(pilot, trace, "right", "t")
        turned = page(tab, "turned")
        assert "layer 3 of 1 with attention (n, p)" in turned
        assert "Query of token 1, head 0, before and after turning" in turned
        await press(pilot, "n")
        assert "layer 3 of 1 with attention (n, p)" in page(tab, "turned")
