"""Going back and branching: on the cropped cache, with the right positions, without running the prefix again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

import inspector
from inspector import GenerationError, InputError, Session
from tests.fakes import IMAGE, VIDEO
from tests.generation.conftest import NAMES, inputs_of, options_for, plain

FORBIDDEN = {"suppress_tokens": [IMAGE, VIDEO]}


@contextmanager
def counted(session: Session) -> Iterator[list[int]]:
    """The number of tokens that each forward of the model is given."""
    seen: list[int] = []

    def note(module: Any, args: Any, kwargs: Any) -> None:
        seen.append(kwargs["input_ids"].shape[1])

    handle = session.model.register_forward_pre_hook(note, with_kwargs=True)
    yield seen
    handle.remove()


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_branch_without_changes_is_its_parent_again(
    session_of: Callable[[str], Session], name: str, rows: int
) -> None:
    session = session_of(name)
    asked = options_for(session, do_sample=True, top_k=30)
    generation = session.generate(inputs=inputs_of(session, rows), seed=5, **asked)
    generation.run()
    expected = generation.sequences
    for at in (0, 4, 8):
        generation.look("main")
        with counted(session) as seen:
            generation.branch(at)
            generation.run()
        assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
        assert seen == [1] * (8 - at)  # one forward a step, and none for the first: its logits were recorded
        for mine, its in zip(generation.steps, generation.tree["main"].steps, strict=True):
            assert [row.processors[0].entropy for row in mine.rows] == [row.processors[0].entropy for row in its.rows]
    assert generation.notices == []
    assert list(generation.tree) == ["main", "branch 1", "branch 2", "branch 3"]


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_branch_goes_on_as_generate_does_from_the_same_prefix(
    session_of: Callable[[str], Session], name: str, rows: int
) -> None:
    session = session_of(name)
    inputs = inputs_of(session, rows)
    generation = session.generate(inputs=inputs, **options_for(session))
    generation.run()
    generation.go(4)
    generation.force(77)
    generation.run()
    assert generation.sequences is not None
    length = inputs["input_ids"].shape[1]
    assert generation.sequences[:, length + 4].tolist() == [77] * rows
    prefix = generation.sequences[:, : length + 5]
    expected = from_prefix(session, inputs, prefix, **{**options_for(session), "max_new_tokens": 5})
    assert generation.sequences.tolist() == expected.tolist()


def from_prefix(session: Session, inputs: dict[str, Any], prefix: torch.Tensor, **options: Any) -> torch.Tensor:
    """What generate makes of a prompt that ends with the forced tokens."""
    added = prefix.shape[1] - inputs["input_ids"].shape[1]
    given = dict(inputs, input_ids=prefix)
    for name, fill in (("attention_mask", 1), ("mm_token_type_ids", 0)):
        if name in inputs:
            more = torch.full((prefix.shape[0], added), fill, dtype=inputs[name].dtype)
            given[name] = torch.cat([inputs[name], more], dim=1)
    return plain(session, given, 0, **options)


def test_positions_on_a_branch_are_those_of_the_parent(vision: Session) -> None:
    """Also when another conversation, with other offsets, has run in between."""
    inputs = inputs_of(vision, 1)
    generation = vision.generate(inputs=inputs, max_new_tokens=6, **FORBIDDEN)
    generation.run()
    expected = generation.sequences
    places = [step.rows[0].position for step in generation.steps]
    left = vision.model.model.rope_deltas
    other = vision.generate("no picture at all", max_new_tokens=4, **FORBIDDEN)
    other.step()
    vision.trace("nor here")
    generation.branch(1)
    generation.step()
    other.run()
    generation.run()
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
    assert [step.rows[0].position for step in generation.steps] == places
    alone = plain(
        vision, vision.encode(inspector.Request(("no picture at all",))).tensors, 0, max_new_tokens=4, **FORBIDDEN
    )
    assert other.sequences.tolist() == alone.tolist()  # type: ignore[union-attr]
    vision.model.model.rope_deltas = left


def test_a_generation_leaves_the_offsets_that_it_found(vision: Session) -> None:
    vision.model.model.rope_deltas = found = torch.tensor([[123]])
    generation = vision.generate(inputs=inputs_of(vision, 1), max_new_tokens=3, **FORBIDDEN)
    for _ in generation:
        assert vision.model.model.rope_deltas is found


def test_parent_and_branches_go_on_in_turn(text: Session) -> None:
    inputs = inputs_of(text, 1)
    asked = {"inputs": inputs, "max_new_tokens": 12, "do_sample": True, "seed": 8}
    alone = text.generate(**asked)
    alone.run()
    generation = text.generate(**asked)
    generation.run(steps=5)
    generation.branch(2, name="warm")
    generation.set(temperature=2.0)
    generation.run(steps=2)
    generation.branch(3, name="warmer")
    generation.force(70)
    generation.step()
    generation.look("main")
    generation.run(steps=3)
    generation.look("warm")
    generation.run(steps=2)
    generation.look("main")
    generation.run()
    assert generation.sequences.tolist() == alone.sequences.tolist()  # type: ignore[union-attr]
    warmer = generation.tree["warmer"]
    assert (warmer.parent.name, warmer.start, len(warmer.steps)) == ("warm", 4, 5)  # type: ignore[union-attr]
    assert warmer.steps[:3] == generation.tree["main"].steps[:3]
    assert [change.words for change in warmer.changes] == ["temperature = 2.0", "forced 'F'"]
    assert warmer.steps[4].processors.names == ["raw", "temperature", "top_k"]


def test_going_back_shows_the_record_and_stepping_from_there_branches(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=6, seed=1, do_sample=True)
    generation.run()
    assert generation.back() is generation.steps[4]
    assert generation.back(10) is None
    assert generation.forward(2) is generation.steps[1]
    assert generation.go(6) is generation.steps[5]
    assert list(generation.tree) == ["main"]
    with pytest.raises(InputError, match="has 6 steps"):
        generation.go(7)
    generation.go(3)
    generation.set(temperature=5.0)
    step = generation.step()
    assert step is not None
    assert step.index == 3
    assert generation.tree.current.name == "branch 1"
    assert len(generation.tree["main"].steps) == 6


def test_branches_have_names_texts_and_log_probabilities(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=5, seed=1, do_sample=True)
    generation.run()
    generation.branch(1, name="other")
    generation.force("Q")
    generation.run()
    generation.tree.rename("other", "with a Q")
    branch = generation.tree["with a Q"]
    assert branch.texts(generation._stepping.texts)[0][: len(generation.texts[0])] == generation.texts[0]
    chosen = [step.chosen for step in branch.steps]
    assert branch.log_probabilities() == [pytest.approx(sum(c.model_log_probability for c in chosen if c))]
    for bad in ("main", "with a Q"):
        with pytest.raises(InputError, match="already"):
            generation.branch(0, name=bad)
    with pytest.raises(InputError, match=r"There is no branch 'mian'.*Did you mean main"):
        generation.look("mian")


def test_two_branches_side_by_side(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=6, seed=1, do_sample=True)
    generation.run()
    generation.go(3)
    generation.force("Q")
    generation.run(steps=2)
    compared = generation.compare("main", "branch 1")
    assert compared.first == 3
    assert [item.differs() for item in compared.steps[:4]] == [False, False, False, True]
    assert (len(compared.steps), compared.steps[5].right) == (6, None)
    assert generation.compare("main", "main").first is None


def test_rows_that_had_ended_stay_ended_on_a_branch(text: Session) -> None:
    inputs = inputs_of(text, 3)
    length = inputs["input_ids"].shape[1]
    free = plain(text, inputs, 5, do_sample=True, max_new_tokens=10)
    eos = int(free[0, length + 2])
    asked = {"do_sample": True, "max_new_tokens": 10, "eos_token_id": eos, "pad_token_id": 0}
    generation = text.generate(inputs=inputs, seed=5, **asked)
    generation.run()
    expected = generation.sequences
    generation.branch(5)
    generation.run()
    assert generation.sequences.tolist() == expected.tolist()  # type: ignore[union-attr]
    assert all(step.rows[0].ended for step in generation.steps[3:])
    generation.look("main")
    generation.branch(1)
    generation.force(66, row=0)
    generation.run()
    assert not generation.steps[3].rows[0].ended


def test_a_step_of_a_branch_knows_its_forward_among_all_calls(text: Session) -> None:
    """The first step of a branch has its logits from a forward of its parent's."""
    generation = text.generate("hi", max_new_tokens=5, calls=True)
    generation.run()
    generation.go(2)
    generation.force(66)
    generation.run()
    assert [step.forward for step in generation.steps] == [0, 1, 2, 5, 6]
    calls = [call for call in generation.trace().calls if not call.path]
    assert [call.step for call in calls] == list(range(7))
    for step in generation.steps[3:]:
        ids = calls[step.forward].inputs["input.input_ids"]
        assert ids.shape == (1, 1)


def test_a_branch_begun_at_an_end_has_ended_too_until_something_lets_it_go_on(text: Session) -> None:
    inputs = inputs_of(text, 1)
    generation = text.generate(inputs=inputs, max_new_tokens=3)
    generation.run()
    generation.branch()
    assert (generation.finished, generation.reason) == (True, "max_length")
    with pytest.raises(GenerationError, match="larger max_new_tokens"):
        generation.step()
    assert len(generation.steps) == 3
    generation.set(max_new_tokens=6)
    generation.run()
    assert generation.sequences.tolist() == plain(text, inputs, 0, max_new_tokens=6).tolist()  # type: ignore[union-attr]
    assert generation.tree["main"].reason == "max_length"


def test_a_branch_at_the_end_of_a_beam_search_has_ended_for_good(text: Session) -> None:
    generation = text.generate("hi", max_new_tokens=3, num_beams=2)
    generation.run()
    generation.branch()
    generation.set(max_new_tokens=6)
    with pytest.raises(GenerationError, match="ended after 3 steps"):
        generation.step()
