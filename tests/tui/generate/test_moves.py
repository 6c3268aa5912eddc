"""What the keys ask of a generation: where one stands afterwards, and what became a branch."""

from __future__ import annotations

from typing import Any

import pytest

from inspector import Generation, InputError, Session
from inspector.generation import until
from inspector.tui.generate import moves
from inspector.tui.generate.moves import Changes
from tests.generation.conftest import inputs_of, options_for


def begun(session: Session, steps: int = 4, rows: int = 1, **options: Any) -> Generation:
    options = options_for(session, **options)
    generation = session.generate(inputs=inputs_of(session, rows), seed=3, **options)
    if steps:
        generation.run(steps=steps)
    return generation


def go_on(generation: Generation, at: int, condition: Any = None) -> bool:
    return moves.run(generation, at, condition, lambda: None, lambda: False)


def test_a_step_goes_on_at_the_end_and_branches_before_it_only_where_something_changes(text: Session) -> None:
    generation = begun(text)
    moves.step(generation, 3)
    assert (len(generation.steps), list(generation.tree)) == (5, ["main"])
    moves.step(generation, 1)
    assert generation.tree.current.start == 2
    assert generation.current is generation.steps[2]


def test_a_run_goes_on_from_the_end_wherever_one_looks(text: Session) -> None:
    generation = begun(text)
    go_on(generation, 1)
    assert (len(generation.steps), list(generation.tree), generation.finished) == (10, ["main"], True)
    go_on(generation, 9)
    assert len(generation.steps) == 10


def test_a_run_with_changes_branches_where_one_looks(text: Session) -> None:
    generation = begun(text)
    moves.change(generation, 1, Changes({"repetition_penalty": 1.5}))
    go_on(generation, 1)
    assert generation.tree.current.start == 2
    assert len(generation.steps) == 10


def test_a_condition_is_looked_for_in_the_record_first(text: Session) -> None:
    generation = begun(text, 10)
    rare = min(range(1, 10), key=lambda index: generation.steps[index].chosen.probability)  # type: ignore[union-attr]
    chosen = generation.steps[rare].chosen
    assert chosen is not None
    assert go_on(generation, 0, until.probability(below=chosen.probability * 1.001))
    assert generation.current is generation.steps[rare]
    assert not go_on(generation, rare, until.entropy(above=1e9))
    assert generation.tree.at_tip


def test_a_run_stops_when_it_is_told_to(text: Session) -> None:
    generation = begun(text, 0)
    told: list[int] = []
    moves.run(generation, -1, None, lambda: told.append(1), lambda: len(told) == 3)
    assert len(generation.steps) == 3


def test_a_token_is_forced_in_place_of_another_or_after_it(text: Session) -> None:
    generation = begun(text)
    kept = [step.text for step in generation.steps]
    moves.force(generation, 2, 66, None)
    assert [step.text for step in generation.steps] == [*kept[:2], "B"]
    moves.force_next(generation, 2, 67, None)
    assert [step.text for step in generation.steps] == [*kept[:2], "B", "C"]
    assert len(generation.tree) == 2
    moves.force(generation, -1, 68, None)
    assert generation.steps[0].text == "D"


def test_a_token_is_forced_in_one_row(text: Session) -> None:
    generation = begun(text, 2, rows=3)
    moves.force(generation, 1, 66, 2)
    last = generation.steps[-1]
    assert [row.chosen.forced for row in last.rows if row.chosen] == [False, False, True]


def test_what_cannot_be_forced_leaves_nothing_behind(text: Session) -> None:
    generation = begun(text)
    with pytest.raises(InputError, match="There is no token"):
        moves.force(generation, 1, 10**6, None)
    assert generation.changes == ()


def test_settings_wait_for_the_next_step_and_are_adopted_for_this_one(text: Session) -> None:
    generation = begun(text)
    moves.change(generation, 3, Changes({"do_sample": True, "top_k": 1}, seed=5))
    assert generation.changes == ("do_sample = True", "top_k = 1", "seed = 5")
    moves.step(generation, 3)
    assert generation.steps[4].processors.names == ["raw", "top_k"]
    moves.adopt(generation, 2, Changes({"do_sample": True, "top_k": 2}))
    assert generation.steps[2].processors[-1].kept == 2
    assert generation.tree.current.start == 2


def test_a_processor_is_switched_off_and_on_and_seen_without(text: Session) -> None:
    generation = begun(text, do_sample=True, top_k=3, temperature=0.5)
    without = moves.what_if(generation, 2, 0, Changes(off=["top_k"]))
    assert without.names == ["raw", "temperature"]
    moves.change(generation, 3, Changes(off=["top_k"]))
    moves.step(generation, 3)
    assert generation.off == ["top_k"]
    moves.change(generation, 4, Changes(on=["top_k"]))
    moves.step(generation, 4)
    assert generation.off == []
    assert generation.steps[5].processors.names == ["raw", "temperature", "top_k"]


def test_what_an_option_out_of_range_says_is_said_and_forgotten(text: Session) -> None:
    generation = begun(text)
    with pytest.raises(InputError, match="out of range"):
        moves.change(generation, 3, Changes({"top_p": 7}))
    assert generation.changes == ()


@pytest.mark.parametrize("calls", [False, True])
def test_the_forward_of_a_step_is_run_again_or_was_recorded(text: Session, calls: bool) -> None:
    options: dict[str, Any] = {"calls": True} if calls else {}
    generation = text.generate("hi", max_new_tokens=4, seed=1, **options)
    generation.run()
    trace, first = moves.forward_of(generation, 2, calls=calls)
    assert trace.calls[first].path == ""
    assert trace.calls[first].step == (2 if calls else 0)
    assert trace.generation is not None if calls else bool(trace.values)
