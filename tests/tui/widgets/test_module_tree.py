from __future__ import annotations

from textual.pilot import Pilot

from inspector.trace import Trace
from inspector.tui.widgets.module_tree import ModuleTree
from tests.traces import failing_trace, small_trace
from tests.tui.widgets.screens import shown, stage, text, until


async def planted(pilot: Pilot[None], trace: Trace) -> ModuleTree:
    tree = pilot.app.query_one(ModuleTree)
    tree.trace = trace
    await until(pilot, lambda: tree._called is not None)
    return tree


async def test_roles_repeats_and_parameters() -> None:
    async with shown(ModuleTree(), (50, 20)) as pilot:
        lines = text(await planted(pilot, small_trace()))
    assert lines[0].split() == ["▾", "TinyVLForConditionalGeneration", "21.5", "K"]
    assert lines[1].split() == ["▾", "visual", "vision_tower", "4.1", "K"]
    assert lines[6].split() == ["▸", "layers", "×3", "ModuleList", "5.23", "K"]


async def test_unfolding_shows_each() -> None:
    async with shown(ModuleTree(), (50, 24)) as pilot:
        tree = await planted(pilot, small_trace())
        tree.select("language_model.layers")
        await pilot.press("space", "l")
        assert tree.path == "language_model.layers.0"
        assert sum("decoder_layer" in line for line in text(tree)) == 3


async def test_the_cursor_tells() -> None:
    async with shown(ModuleTree()) as pilot:
        await planted(pilot, small_trace())
        await pilot.press("j", "enter")
        assert [message.path for message in stage(pilot).said(ModuleTree.Selected)] == ["", "visual"]
        assert [message.path for message in stage(pilot).said(ModuleTree.Opened)] == ["visual"]


async def test_what_never_ran_is_quiet() -> None:
    async with shown(ModuleTree()) as pilot:
        tree = await planted(pilot, small_trace())
        entries = [entry.module.path for entry in tree._entries]
        quiet = tree.ink("quiet")
        for path, expected in (("unused_head", True), ("lm_head", False), ("language_model.layers", False)):
            row = tree.outline.row_of(entries.index(path))
            assert row is not None
            name = list(tree.draw(row, 50))[1]
            assert (name.style == quiet) is expected, path


async def test_the_one_that_failed_is_found_and_marked() -> None:
    async with shown(ModuleTree(), (40, 24)) as pilot:
        tree = await planted(pilot, failing_trace())
        assert tree.path == "language_model.layers.1.mlp"
        assert sum("✗" in line for line in text(tree)) == 1


async def test_filter_keeps_what_encloses() -> None:
    async with shown(ModuleTree(), (40, 24)) as pilot:
        tree = await planted(pilot, small_trace())
        tree.filter("layers.1 attention")
        await pilot.pause()
        assert [line.split()[1] for line in text(tree) if line][:3] == [
            "TinyVLForConditionalGeneration",
            "language_model",
            "layers",
        ]
        assert "self_attn" in text(tree)[4]
        tree.filter("")
        assert tree.outline.is_folded(6)


async def test_an_unknown_module() -> None:
    async with shown(ModuleTree()) as pilot:
        tree = await planted(pilot, small_trace())
        tree.select("no.such.module")
        assert tree.path == ""


async def test_narrow() -> None:
    async with shown(ModuleTree(), (12, 10)) as pilot:
        assert text(await planted(pilot, small_trace()))[1].strip().startswith("▾ visual")


async def test_the_mouse_rests() -> None:
    async with shown(ModuleTree()) as pilot:
        tree = await planted(pilot, small_trace())
        tree.select("unused_head")
        row = tree.outline.row_of(tree.current or 0)
        await pilot.hover(tree, offset=(5, row or 0))
        assert "3,904 parameters, 15.2 KiB" in str(tree.tooltip)
        assert "not called in this trace" in str(tree.tooltip)


async def test_what_was_unfolded_to_show_a_module_folds_again() -> None:
    async with shown(ModuleTree(), (50, 30)) as pilot:
        tree = await planted(pilot, small_trace())
        before = list(tree.outline.rows)
        tree.select("language_model.layers.1.mlp")
        assert len(tree.outline.rows) == len(before) + 3 + 3
        tree.select("language_model.layers.2.mlp")
        assert len(tree.outline.rows) == len(before) + 3 + 3
        tree.select("lm_head")
        assert list(tree.outline.rows) == before
