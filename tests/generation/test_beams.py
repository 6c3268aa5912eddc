"""Beam search and assistants: what each step took up, from where, why a beam ended; what was drafted and taken."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from inspector import Session
from inspector.trace.steps import Beam
from tests.generation.conftest import inputs_of, plain
from tests.generation.test_equality import near_twin


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("options", [{"num_beams": 3}, {"num_beams": 2, "do_sample": True, "top_k": 20}])
def test_live_beams_are_those_that_go_in_next(text: Session, options: dict[str, Any], rows: int) -> None:
    """A beam's score is its parent's with the log-probability that its token had in the final scores of that row."""
    generation = text.generate(inputs=inputs_of(text, rows), max_new_tokens=6, seed=2, **options)
    generation.run()
    count = options["num_beams"]
    scores = [0.0 if row % count == 0 else -1e9 for row in range(rows * count)]
    tokens: list[list[int]] = [[] for _ in scores]
    for step in generation.steps[:-1]:
        assert len(step.rows) == rows * count
        assert step.processors.names[:2] == ["raw", "log_softmax"]
        beams = live(step.rows)
        assert sorted(beam.row for beam in beams) == list(range(rows * count))  # type: ignore[type-var]
        final = generation.what_if(step)
        assert final.names == step.processors.names
        for beam in beams:
            stages = step.rows[beam.parent].processors
            gained = score_of(generation, step, beam)
            assert beam.score == pytest.approx(scores[beam.parent] + gained, rel=1e-4)
            assert list(beam.tokens) == [*tokens[beam.parent], beam.id]
            assert stages[0].name == "raw"
        ordered = sorted(beams, key=lambda beam: beam.row or 0)
        scores, tokens = [beam.score for beam in ordered], [list(beam.tokens) for beam in ordered]
    assert generation.reason == "max_length"


def score_of(generation: Any, step: Any, beam: Beam) -> float:
    followed = generation.standing(beam.id, step, row=beam.parent)
    return list(followed.values())[-1].score  # type: ignore[no-any-return]


def test_the_best_finished_beam_is_what_generate_returns_with_its_score(text: Session) -> None:
    inputs = inputs_of(text, 1)
    length = inputs["input_ids"].shape[1]
    free = text.generate(inputs=inputs, max_new_tokens=6, num_beams=4)
    free.run()
    eos = live(free.steps[2].rows)[1].id
    options = {"num_beams": 4, "max_new_tokens": 9, "eos_token_id": eos, "pad_token_id": 0, "length_penalty": 0.3}
    kept = {"return_dict_in_generate": True, "output_scores": True}
    bare: Any = plain(text, inputs, 0, **options, **kept)
    generation = text.generate(inputs=inputs, **options)
    generation.run()
    assert generation.sequences.tolist() == bare.sequences.tolist()  # type: ignore[union-attr]
    ended = [beam for step in generation.steps for row in step.rows for beam in row.beams if beam.state != "live"]
    assert {beam.reason for beam in ended} <= {"eos_token", "max_length", "max_length, eos_token"}
    assert any(beam.reason == "eos_token" for beam in ended)
    best = max((beam for beam in ended if beam.state == "finished"), key=lambda beam: beam.score)
    assert best.score == pytest.approx(float(bare.sequences_scores[0]), abs=1e-5)
    assert list(best.tokens) == bare.sequences[0, length : length + len(best.tokens)].tolist()


def test_a_search_that_stops_early_says_why(text: Session) -> None:
    inputs = inputs_of(text, 1)
    free = text.generate(inputs=inputs, max_new_tokens=6, num_beams=2)
    free.run()
    eos = [beam.id for step in free.steps[:2] for beam in live(step.rows)]
    options = {"num_beams": 2, "max_new_tokens": 30, "eos_token_id": eos, "pad_token_id": 0, "early_stopping": True}
    generation = text.generate(inputs=inputs, **options)
    generation.run()
    assert len(generation.steps) < 30
    assert generation.reason == "no live beam can become better than the finished ones"
    assert generation.finished


def test_rows_whose_beam_goes_nowhere_chose_nothing(text: Session) -> None:
    generation = text.generate(inputs=inputs_of(text, 1), max_new_tokens=5, num_beams=4)
    generation.run()
    first = generation.steps[0]
    assert [row.chosen is None for row in first.rows] == [False, True, True, True]
    assert all(beam.parent == 0 for beam in live(first.rows))
    for step in generation.steps:
        for number, row in enumerate(step.rows):
            assert all(beam.parent == number for beam in row.beams)
            assert (row.chosen is None) == (not row.beams)
            real = {beam.id for beam in row.beams if not beam.only_fills}
            assert row.chosen is None or not real or row.chosen.id in real, "a beam that keeps a place is no choice"


@pytest.mark.parametrize("sampled", [False, True])
def test_drafted_accepted_and_rejected(text: Session, sampled: bool) -> None:
    inputs = inputs_of(text, 1)
    length = inputs["input_ids"].shape[1]
    assistant = near_twin(text)
    options = {"do_sample": sampled, "max_new_tokens": 20, "assistant_model": assistant, "num_assistant_tokens": 3}
    assistant.generation_config.num_assistant_tokens = 3
    assistant.generation_config.assistant_confidence_threshold = 0.0
    generation = text.generate(inputs=inputs, seed=2, **options)
    generation.run()
    generated = generation.sequences[0, length:].tolist()  # type: ignore[index]
    assert [step.chosen.id for step in generation.steps] == generated  # type: ignore[union-attr]
    rounds = [step for step in generation.steps if step.draft is not None]
    assert len(rounds) == len({step.forward for step in generation.steps})
    assert any(0 < step.draft.accepted < 3 for step in rounds if step.draft)
    for number, step in enumerate(rounds):
        assert step.draft is not None
        taken = [other for other in generation.steps if other.forward == step.forward]
        tokens = [other.chosen.id for other in taken if other.chosen]
        assert tokens[: step.draft.accepted] == list(step.draft.drafted[: step.draft.accepted])
        assert len(taken) == step.draft.accepted + 1 or number == len(rounds) - 1
        assert len(step.draft.accepted * [0]) + len(step.draft.rejected) == len(step.draft.drafted)
        assert step.timings.total > 0
        assert all(other.timings.total == 0 for other in taken[1:])
        (line,) = step.lines()
        assert line["accepted"] + line["rejected"] == line["drafted"]
        assert all("drafted" not in other.line(0) for other in taken[1:])


def test_an_assistant_that_always_agrees_has_everything_taken(text: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = inputs_of(text, 1)
    monkeypatch.setattr(text.model.generation_config, "assistant_confidence_threshold", 0.0)
    options = {"max_new_tokens": 12, "assistant_model": text, "num_assistant_tokens": 4}
    generation = text.generate(inputs=inputs, **options)
    first = generation.step()
    assert first is not None
    draft = generation.steps[0].draft
    assert draft is not None
    assert draft.accepted == len(draft.drafted) == len(generation.steps) - 1
    assert first is generation.steps[-1]
    generation.run()
    assert generation.sequences.tolist() == plain(text, inputs, 0, max_new_tokens=12).tolist()  # type: ignore[union-attr]


def test_every_token_of_a_draft_has_its_own_pipeline(text: Session) -> None:
    inputs = inputs_of(text, 1)
    options = {"max_new_tokens": 12, "repetition_penalty": 1.3}
    bare = text.generate(inputs=inputs, **options)
    bare.run()
    generation = text.generate(inputs=inputs, assistant_model=near_twin(text), num_assistant_tokens=3, **options)
    generation.run()
    assert len(generation.steps) == len(bare.steps)
    for mine, its in zip(generation.steps, bare.steps, strict=True):
        assert mine.processors.names == its.processors.names == ["raw", "repetition_penalty"]
        assert mine.input_length == its.input_length
        assert mine.processors[-1].entropy == pytest.approx(its.processors[-1].entropy, abs=1e-4)
        assert mine.rows[0].position == its.rows[0].position
        assert torch.allclose(generation.logits(mine), bare.logits(its), atol=1e-4)


def test_prompt_lookup_drafts_from_the_prompt(text: Session) -> None:
    generation = text.generate("abcabcabcabc", raw=True, max_new_tokens=20, prompt_lookup_num_tokens=4, seed=1)
    generation.run()
    drafts = [step.draft for step in generation.steps if step.draft is not None]
    assert any(draft.drafted for draft in drafts)
    bare = text.generate("abcabcabcabc", raw=True, max_new_tokens=20, seed=1)
    bare.run()
    assert generation.sequences.tolist() == bare.sequences.tolist()  # type: ignore[union-attr]


def live(rows: Any) -> list[Beam]:
    return [beam for row in rows for beam in row.beams if beam.state == "live"]
