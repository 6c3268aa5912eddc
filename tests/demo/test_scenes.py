"""Scenes, pictures and questions: they follow from the seed, and every answer is right and a sentence."""

from __future__ import annotations

from random import Random

import pytest
from demo_training.asking import cases, kinds
from demo_training.drawing import corners, draw
from demo_training.grammar import grammatical
from demo_training.pictures import MOVING, PICTURES
from demo_training.questions import ABOUT_CLIPS, ABOUT_PICTURES, about, ask
from demo_training.scenes import CELLS, Scene, Thing, sample, sample_clip

SCENE = Scene((Thing("red", "circle", "top left"), Thing("blue", "square", "center")))


def test_scenes_and_pictures_follow_from_the_seed() -> None:
    one, other = ([sample(Random(seed)) for seed in range(5)] for _ in range(2))
    assert one == other
    assert [draw(one[0], 112, 84, Random(3)).tobytes() for _ in range(2)] == [
        draw(one[0], 112, 84, Random(3)).tobytes()
    ] * 2


@pytest.mark.parametrize("make", [sample, sample_clip])
def test_no_training_scene_is_held_out(make: object) -> None:
    random = Random(1)
    assert not any(make(random).held_out for _ in range(200))  # type: ignore[operator]
    assert all(make(random, held_out=True).held_out for _ in range(20))  # type: ignore[operator]


def test_every_thing_lies_whole_in_the_picture_and_in_its_cell() -> None:
    random = Random(2)
    for _ in range(200):
        for thing in sample(random).things:
            outline = corners(thing, 112, 112)
            assert all(-4 <= x <= 116 and -4 <= y <= 116 for x, y in outline)
            assert CELLS.index(thing.cell) == int(thing.y * 3) * 3 + int(thing.x * 3)


def test_a_clip_begins_and_ends_where_it_says() -> None:
    scene = sample_clip(Random(4))
    assert scene.target is not None
    assert (scene.at(0)[0].x, scene.at(0)[0].y) == (scene.things[0].x, scene.things[0].y)
    assert (scene.at(1)[0].x, scene.at(1)[0].y) == pytest.approx((scene.target.x, scene.target.y))


def test_the_bundled_pictures_are_held_out() -> None:
    assert MOVING.held_out
    assert all(Scene(things).held_out for *_, things in PICTURES.values())


@pytest.mark.parametrize("kind", ABOUT_PICTURES)
def test_every_answer_about_a_picture_is_a_sentence(kind: str) -> None:
    random = Random(5)
    for _ in range(50):
        question = ask(sample(random), kind, random)
        assert question.text[0].isupper()
        assert all(map(grammatical, question.answers)), question


@pytest.mark.parametrize("kind", ABOUT_CLIPS)
def test_every_answer_about_a_clip_is_a_sentence(kind: str) -> None:
    random = Random(6)
    for _ in range(50):
        assert all(map(grammatical, ask(sample_clip(random), kind, random).answers))


@pytest.mark.parametrize(
    "answer", ["A red red circle.", "A orange star.", "There are one.", "at the top.", "A red circle", "It is."]
)
def test_what_is_no_sentence_is_told_apart(answer: str) -> None:
    assert not grammatical(answer)


def test_a_caption_may_name_things_in_any_order() -> None:
    answers = ask(SCENE, "caption", Random(0)).answers
    assert {"A red circle and a blue square.", "I see a blue square and a red circle."} <= set(answers)


def test_answers_say_what_is_there() -> None:
    random = Random(7)
    found = [question for _ in range(100) for question in about(SCENE, 5, random)]
    said = {(question.text, answer) for question in found for answer in question.answers}
    assert ("Where is the red circle?", "It is at the top left.") in said
    assert ("What is in the center?", "A blue square.") in said
    assert ("How many shapes are there?", "Two.") in said
    assert ("What color is the square?", "Blue.") in said
    assert ("What shape is red?", "A circle.") in said
    assert not any(text == "Where is the red circle?" and "center" in answer for text, answer in said)


def test_held_out_questions_are_of_the_kind_that_is_asked_for() -> None:
    for kind in kinds(clips=True):
        found = cases(kind, 3, ((112, 112),))
        assert [case.question.kind for case in found] == [kind] * 3
        assert all(case.scene.held_out for case in found)
        assert [len(case.frames) for case in found] == [4 if kind in ABOUT_CLIPS else 0 if kind == "text" else 1] * 3
