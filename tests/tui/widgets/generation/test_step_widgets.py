from __future__ import annotations

from dataclasses import replace

from inspector.trace.stages import Standing
from inspector.trace.steps import Timings
from inspector.tui.widgets.generation.chances import Chances, full_bar
from inspector.tui.widgets.generation.facts import facts
from inspector.tui.widgets.generation.pipeline import Asked
from inspector.tui.widgets.generation.pipeline_table import PipelineTable
from inspector.tui.widgets.generation.step_facts import StepFacts
from tests.tui.widgets.generation.records import IDS, beam_steps, drafted, pipeline, row, step, steps
from tests.tui.widgets.screens import shown, stage, text

STEP = step(9, [row(IDS[" rosetta"], 3), row(IDS[" milk"], 4, ended=True)])
WHAT_IF = pipeline(IDS[" rosetta"], 3, [("raw", {}), ("temperature", {"temperature": 2.0})])


async def test_the_pipeline_as_a_table() -> None:
    async with shown(PipelineTable(), (120, 24)) as pilot:
        table = pilot.app.query_one(PipelineTable)
        table.step = STEP
        await pilot.pause()
        lines = text(table)
        assert lines[0].split() == ["%,", "rank", "raw", "repetition_penalty", "temperature", "top_k", "top_p"]
        assert [line.split()[0] for line in lines[1:6]] == ["parameters", "left", "changed", "removed", "entropy"]
        assert lines[2].split()[1:] == ["151,936", "151,936", "151,936", "50", lines[2].split()[-1]]
        chosen = next(line for line in lines if "◂" in line)
        assert chosen.startswith("·rosetta")
        assert any(line.rstrip().endswith("−") for line in lines)
        table.measure = "score"
        await pilot.pause()
        assert text(table)[0].startswith("score, rank")


async def test_a_token_of_the_table_is_chosen_by_enter() -> None:
    async with shown(PipelineTable(), (60, 12)) as pilot:
        table = pilot.app.query_one(PipelineTable)
        await pilot.press("enter", "right")
        assert stage(pilot).said(PipelineTable.TokenChosen) == []
        table.step = STEP
        assert table.token == (IDS[" rosetta"], " rosetta"), "the cursor begins on the chosen one"
        await pilot.press("home", "down", "enter")
        (said,) = stage(pilot).said(PipelineTable.TokenChosen)
        assert (said.token_id, said.text) == table.token
        assert said.token_id == STEP.processors[-1].top[1].id


async def test_columns_are_gone_through_where_there_is_little_room() -> None:
    async with shown(PipelineTable(), (38, 11)) as pilot:
        table = pilot.app.query_one(PipelineTable)
        table.step = STEP
        await pilot.pause()
        assert text(table)[0].split() == ["%,", "rank", "3›", "raw", "repetition…"]
        await pilot.press("l")
        assert "‹1" in text(table)[0]
        assert "raw" not in text(table)[0]
        assert text(table)[1].startswith("parameters")
        await pilot.press("l", "l", "l", "l", "l")
        assert "top_p" in text(table)[0]
        await pilot.press("h", "h", "h", "h", "h", "h")
        assert "raw" in text(table)[0]


async def test_a_token_that_was_asked_for_and_a_what_if() -> None:
    async with shown(PipelineTable(), (160, 24)) as pilot:
        table = pilot.app.query_one(PipelineTable)
        table.step = STEP
        table.asked = {77: Asked(" spoon", {"raw": Standing(-2.0, -9.0, 5000)})}
        table.other = WHAT_IF
        await pilot.pause()
        lines = text(table)
        asked = next(line for line in lines if line.startswith("·spoon"))
        assert asked.split()[:4] == ["·spoon", "?", "0.01", "5,000"]
        assert "0.7 → 2.0" in lines[1]
        assert "1.1 → off" in lines[1]
        table.step = None
        await pilot.pause()
        assert table.token is None


async def test_the_cursor_stays_on_its_token() -> None:
    async with shown(PipelineTable(), (100, 24)) as pilot:
        table = pilot.app.query_one(PipelineTable)
        table.step = STEP
        await pilot.press("down", "down")
        before = table.token
        table.other = WHAT_IF
        table.measure = "score"
        assert table.token == before
        table.asked = {77: Asked(" spoon", {})}
        assert table.token == (77, " spoon"), "the one that was asked for"


async def test_bars_before_and_after() -> None:
    async with shown(Chances(), (80, 16)) as pilot:
        chances = pilot.app.query_one(Chances)
        chances.step = STEP
        await pilot.pause()
        lines = text(chances)
        assert lines[0].split() == ["to", "100%", "model", "final"]
        assert next(line for line in lines if "◂" in line).startswith("·rosetta")
        assert "━" in lines[1]
        assert lines[-4].rstrip().endswith("−")
        chances.other = WHAT_IF
        await pilot.pause()
        assert text(chances)[0].split() == ["to", "100%", "model", "final", "what-if"]
        await pilot.press("enter")
        assert len(stage(pilot).said(Chances.TokenChosen)) == 1


async def test_a_greedy_step_has_one_series() -> None:
    async with shown(Chances(), (38, 9)) as pilot:
        chances = pilot.app.query_one(Chances)
        raw = replace(STEP.rows[0], processors=type(STEP.processors)(STEP.processors[:1]))
        chances.step = replace(STEP, rows=(raw,))
        await pilot.pause()
        assert text(chances)[0].split() == ["to", "100%", "model"]


def told(number: int = 0, made: object = STEP) -> dict[str, str]:
    return {fact.name.strip(): fact.text for fact in facts(made, number, {})}  # type: ignore[arg-type]


def test_facts() -> None:
    found = told()
    assert found["chosen"].startswith("·rosetta")
    assert "(model " in found["rank"]
    assert found["eos_token"] == "no"
    assert found["position"] == "t 403  h 403  w 403"
    assert found["cache"] == "485 tokens, 25.7 MiB"
    assert found["time"] == "32.1 ms"
    assert "drafted" not in found


def test_facts_of_what_is_not_greedy_of_what_ended_and_of_a_draft() -> None:
    choice = STEP.chosen
    assert choice is not None
    other = STEP.processors[-1].top[1].id
    forced = replace(STEP.rows[0], chosen=replace(choice, rank=2, greedy=other, forced=True))
    found = told(made=replace(STEP, rows=(forced,)))
    assert found["forced"].startswith("·rosetta")
    assert found["greedy"].startswith("≠ ")
    assert "ended before" in told(1)["chosen"]
    assert "no continuation" in told(made=replace(STEP, rows=(replace(forced, chosen=None),)))["chosen"]
    last = steps()[-1]
    assert told(made=last)["eos_token"] == "■ stops here"
    assert told(made=drafted())["accepted"].startswith("3  ")
    assert told(made=drafted())["rejected"].startswith("2  ")


def test_facts_of_a_beam() -> None:
    made = beam_steps()
    found = told(0, made[3])
    assert "chosen" not in found
    assert "greedy" not in found
    assert found["best"].startswith("·milk")
    assert found["continued by"] == "2"
    assert {name: text for name, text in found.items() if "  row " in text} == {
        f"‹{IDS[' milk']}›": "-1.4  row 0",
        f"‹{IDS[' 咖啡']}›": "-2  row 1",
    }
    assert any(text == "-1.1  finished: eos_token" for text in told(1, made[3]).values())


def test_a_step_without_a_forward_of_its_own_has_no_times() -> None:
    found = told(made=replace(STEP, timings=Timings(0.0, 0.0, 0.0, 0.001)))
    assert "drafted" in found["time"]
    assert "processors" not in found


def test_what_a_full_bar_stands_for() -> None:
    assert [full_bar(share) for share in (1, 0.6, 0.5, 0.11, 0.004)] == [1, 1, 0.5, 0.2, 0.005]


async def test_facts_on_the_screen() -> None:
    async with shown(StepFacts(), (40, 20)) as pilot:
        widget = pilot.app.query_one(StepFacts)
        widget.step = drafted()
        widget.texts = {IDS[" latte"]: " latte"}
        await pilot.pause()
        lines = text(widget)
        assert lines[0].startswith("chosen         ·with")
        assert any("·latte" in line for line in lines)
        widget.row = 3
        await pilot.pause()
        assert text(widget)[0] == ""
