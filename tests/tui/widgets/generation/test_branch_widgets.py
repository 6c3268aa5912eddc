from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.trace.steps import BranchRecord
from inspector.tui.widgets.generation.beam_tree import BeamTree
from inspector.tui.widgets.generation.branch_facts import Sums, own_text
from inspector.tui.widgets.generation.branch_tree import BranchTree
from inspector.tui.widgets.generation.compare import BranchCompare, Side
from inspector.views.branches import log_probability
from tests.tui.widgets.generation.records import beam_steps, record
from tests.tui.widgets.screens import shown, stage, text


async def test_branches_as_a_tree() -> None:
    async with shown(BranchTree(), (120, 10)) as pilot:
        tree = pilot.app.query_one(BranchTree)
        tree.record = record()
        await pilot.pause()
        lines = text(tree)
        assert lines[0].split() == ["branch", "steps", "log", "p", "text"]
        assert lines[1].startswith("▾ main")
        assert "The cup holds a cappuccino ☕" in lines[1]
        assert lines[2].startswith("└ ▾ branch 1")
        assert "◂" in lines[2]
        assert "[forced ' latte'] … latte of milk" in lines[2]
        assert "[temperature=1.4]" in lines[3]
        assert tree.branch is not None
        assert tree.branch.name == "branch 1", "the cursor begins on the current one"
        await pilot.press("down", "enter")
        assert [said.name for said in stage(pilot).said(BranchTree.Chosen)] == ["hot"]


async def test_a_tree_of_branches_keeps_cursor_and_folds_when_it_grows() -> None:
    async with shown(BranchTree(), (60, 10)) as pilot:
        tree = pilot.app.query_one(BranchTree)
        tree.record = record()
        await pilot.press("space")
        assert len(tree.outline.rows) == 2
        tree.record = record()
        assert len(tree.outline.rows) == 2
        assert tree.branch is not None
        assert tree.branch.name == "branch 1"
        tree.record = None
        assert tree.branch is None


async def test_beams_as_a_tree() -> None:
    async with shown(BeamTree(), (80, 14)) as pilot:
        tree = pilot.app.query_one(BeamTree)
        tree.steps = beam_steps()
        await pilot.pause()
        lines = text(tree)
        assert lines[0].split() == ["tokens", "score", "state"]
        assert [line.split()[-1] for line in lines[1:10]] == [
            "-0.4",
            "-1.2",
            "0",
            "1",
            "-1.9",
            "2",
            "eos_token",
            "outscored",
            "outscored",
        ]
        assert lines[3].split()[-4:] == ["-1.4", "live,", "row", "0"]
        assert [line.split("·")[0].split()[-1] for line in lines[8:10]] == ["○", "○"]
        assert tree.current == 2, "on the best live beam"
        await pilot.press("enter")
        (said,) = stage(pilot).said(BeamTree.Chosen)
        assert (said.step, said.row) == (3, 0)


async def test_beams_of_an_earlier_step() -> None:
    async with shown(BeamTree(), (40, 14)) as pilot:
        tree = pilot.app.query_one(BeamTree)
        tree.steps = beam_steps()
        tree.at = 1
        await pilot.pause()
        assert [line.split()[-1] for line in text(tree)[1:6]] == ["-0.4", "0", "1", "2", "outscored"]
        hint = tree.hint(4)
        assert hint is not None
        assert "Outscored in step 1: other beams went on in its place." in hint
        tree.steps = []
        await pilot.press("enter", "down")


async def test_two_branches_side_by_side() -> None:
    made = record()
    async with shown(BranchCompare(), (100, 14)) as pilot:
        compare = pilot.app.query_one(BranchCompare)
        compare.compare(Side("main", made.steps("main")), Side("branch 1", made.steps("branch 1")))
        await pilot.pause()
        assert compare.first == 9
        assert compare.cursor == 9
        assert compare.words == "They part at step 9."
        line = next(line for line in text(compare) if line.split()[0] == "9")
        assert [word for word in line.split() if word[0] in "·▶»"] == ["»·rosetta", "▶", "»·latte"]
        await pilot.press("end")
        assert "≠" in text(compare)[-1]
        compare.cursor = 9
        await pilot.press("enter")
        assert stage(pilot).said(BranchCompare.Chosen)[0].step == 9


async def test_a_branch_beside_itself() -> None:
    made = record()
    async with shown(BranchCompare(), (40, 8)) as pilot:
        compare = pilot.app.query_one(BranchCompare)
        side = Side("main", made.steps("main"))
        compare.compare(side, side)
        assert compare.first is None
        assert compare.words == "They are the same."


async def test_beams_that_part_at_every_step_leave_room_for_their_tokens() -> None:
    once = beam_steps()[0]
    steps = [replace(once, index=index) for index in range(40)]
    async with shown(BeamTree(), (40, 14)) as pilot:
        tree = pilot.app.query_one(BeamTree)
        tree.steps = steps
        await pilot.pause()
        assert tree.outline.depths[tree.current or 0] == 39
        line = text(tree)[tree.cursor - tree.scroll_offset.y + 1]
        assert line.startswith("…")
        assert "● ·the" in line


def test_the_probability_of_a_branch_is_that_of_the_view() -> None:
    made = record()
    sums = Sums()
    for name in made.branches:
        pauses = list(sums.add(made, name, 0, 0.0))
        assert len(pauses) == len(made.branches[name].steps), "those that it shares are added up already"
        assert sums.total(made, name, 0) == pytest.approx(log_probability(made.steps(name), 0))
    other = {**made.branches, "hot": replace(made.branches["hot"], steps=made.branches["hot"].steps[::-1])}
    for each in (replace(made, branches=other), made):
        for name in each.branches:
            list(sums.add(each, name, 0, 9.0))
            assert sums.total(each, name, 0) == pytest.approx(log_probability(each.steps(name), 0))
    beams = replace(made, branches={"main": replace(made.branches["main"], steps=beam_steps())})
    assert len(list(sums.add(beams, "main", 0, 9.0))) == 0
    assert sums.total(beams, "main", 0) == -1.1
    empty = replace(made, branches={"main": replace(made.branches["main"], steps=[])})
    list(sums.add(empty, "main", 0, 9.0))
    assert sums.total(empty, "main", 0) is None


def test_of_a_branch_that_grows_each_step_is_looked_at_once() -> None:
    made, sums, seen = record(), Sums(), 0
    steps = made.branches["main"].steps
    for count in range(1, len(steps) + 1):
        grown = replace(made, branches={"main": replace(made.branches["main"], steps=steps[:count])})
        seen += len(list(sums.add(grown, "main", 0, 0.0)))
        assert sums.total(grown, "main", 0) == pytest.approx(log_probability(steps[:count], 0))
    assert seen == len(steps)


def test_the_text_of_a_beam_search_is_that_of_its_best() -> None:
    found = BranchRecord("main", None, 0, beam_steps(), [[]], [" the cup of\nmilk"])
    assert own_text(found, 2) == " the cup of␊milk"
