"""Both bundled models: that they are small, that they see, and that what they say varies."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean
from typing import Any

import pytest
import torch
from demo_training import clip_qwen, qwen2_5_vl
from demo_training.asking import Case, answers, cases
from demo_training.evaluation import right
from demo_training.grammar import grammatical
from demo_training.questions import ABOUT_PICTURES
from demo_training.seeing import heads_on_things, lens_agreement

import inspector
from inspector import Plugins, Session
from inspector.models.sources import DEMOS
from tests.demo.answering import PICTURES, asked, drawn

SIZES = {"qwen2.5-vl": qwen2_5_vl.SIZES, "clip-qwen": clip_qwen.SIZES}
"""By name of the model, the pictures that it knows."""

RIGHT = {"qwen2.5-vl": 0.95, "clip-qwen": 0.92}
"""The least share of held-out questions that it answers rightly."""

AT_FIRST = {"qwen2.5-vl": 0.5, "clip-qwen": 0.6}
"""The largest share of tokens that the embedding already decides."""

PUBLISHED = {"qwen2.5-vl": "Qwen2.5-VL-7B", "clip-qwen": "CLIP-ViT-L-14+Qwen-7B"}
"""The preset that it is a small one of."""


@pytest.fixture(scope="module", params=SIZES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def session(name: str) -> Session:
    return inspector.load(f"demo:{name}", dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def held_out(name: str) -> list[Case]:
    return [case for kind in ABOUT_PICTURES for case in cases(kind, 25, SIZES[name], seed=3)]


def share_right(session: Session, found: list[Case]) -> float:
    return mean(right(case, answer) for case, answer in zip(found, answers(session, found), strict=True))


def test_it_is_small_and_complete(name: str) -> None:
    files = {file.name: file.stat().st_size for file in (DEMOS / name).iterdir()}
    assert sum(files.values()) < 6_000_000
    assert {"README.md", "config.json", "example.json", "generation_config.json", "model.safetensors"} <= set(files)
    assert {"tokenizer.json", "chat_template.jinja", "preprocessor_config.json"} <= set(files)
    session = inspector.load(f"demo:{name}", device="cpu")
    assert session.info.dtype == "bfloat16"
    assert session.info.parameters < 3_000_000
    assert not session.notices


def test_it_generates_with_the_published_settings(name: str, session: Session) -> None:
    published = Plugins.installed().presets[PUBLISHED[name]].generation
    given = session.model.generation_config.to_dict()
    shared = [setting for setting in published if "token_id" not in setting]
    assert {setting: given[setting] for setting in shared} == {setting: published[setting] for setting in shared}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where is the yellow star?", "bottom"),
        ("What color is the square?", "blue"),
        ("What shape is red?", "circle"),
        ("How many shapes are there?", "three"),
        ("What is at the top right?", "blue square"),
        ("Is there a red circle?", "yes"),
        ("Is there a green circle?", "no"),
    ],
)
def test_it_answers_about_a_bundled_picture(session: Session, question: str, expected: str) -> None:
    answer = asked(session, question, images=PICTURES / "scene.png")
    assert expected in answer.lower()
    assert grammatical(answer)


def test_it_answers_about_a_picture_that_somebody_else_drew(session: Session) -> None:
    picture = drawn("green", "purple")
    caption = asked(session, "What do you see?", images=picture)
    assert "green square" in caption
    assert "purple circle" in caption
    assert "right" in asked(session, "Where is the purple circle?", images=picture).lower()


def test_it_answers_without_a_picture(session: Session) -> None:
    assert asked(session, "Hello!").startswith(("Hello", "Hi"))
    assert "model" in asked(session, "Who are you?")
    assert "picture" in asked(session, "Where is the red circle?")
    assert all(map(grammatical, (asked(session, "What can you do?"), asked(session, "What is in the picture?"))))


def test_it_answers_held_out_questions_and_looks_at_the_picture(
    name: str, session: Session, held_out: list[Case]
) -> None:
    assert share_right(session, held_out) > RIGHT[name]
    pictures = [held_out[place - 1 if place % 25 else place + 24].frames for place in range(len(held_out))]
    blind = [Case(case.scene, case.question, other) for case, other in zip(held_out, pictures, strict=True)]
    assert share_right(session, blind) < 0.5


def test_temperature_changes_the_words_and_not_the_grammar(name: str, session: Session) -> None:
    found = cases("caption", 10, SIZES[name][:1], seed=3)
    hot: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0, "repetition_penalty": 1.0}
    said, default = [], []
    for seed in range(8):
        torch.manual_seed(seed)
        said.append(answers(session, found, do_sample=True, **hot))
        shipped = session.model.generation_config.temperature
        default.append(answers(session, found, do_sample=True, temperature=shipped))
    assert mean(len(set(texts)) for texts in zip(*said, strict=True)) >= 5
    assert mean(grammatical(text) for texts in said for text in texts) > 0.95
    assert mean(grammatical(text) for texts in default for text in texts) > 0.98


def test_heads_look_at_the_thing(name: str, session: Session) -> None:
    assert max(heads_on_things(session, cases("caption", 25, SIZES[name][:1], seed=3)).values()) >= 0.9


def test_the_answer_forms_layer_by_layer(name: str, session: Session) -> None:
    found = [case for kind in ABOUT_PICTURES for case in cases(kind, 10, SIZES[name][:1], seed=3)]
    agreement = lens_agreement(session, found)
    assert agreement[0] < AT_FIRST[name]
    assert agreement[-1] == 1
    assert all(later > earlier - 0.03 for earlier, later in pairwise(agreement))
