"""The bundled Qwen2.5-VL: what it is made of, the pictures and the clip that come with it, and clips in general."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest
from demo_training.asking import answers, cases
from demo_training.evaluation import right
from demo_training.questions import ABOUT_CLIPS
from demo_training.qwen2_5_vl import SIZES

import inspector
from inspector import Session
from tests.demo.answering import PICTURES, asked, drawn


@pytest.fixture(scope="module")
def session() -> Session:
    return inspector.load("demo:qwen2.5-vl", dtype="float32", device="cpu")


def test_it_is_the_real_architecture(session: Session) -> None:
    text, vision = session.config.text_config, session.config.vision_config
    assert session.info.class_name == "Qwen2_5_VLForConditionalGeneration"
    assert text.num_key_value_heads < text.num_attention_heads
    assert sum(text.rope_parameters["mrope_section"]) == text.head_dim // 2
    assert 0 < len(vision.fullatt_block_indexes) < vision.depth


def test_its_answers_end_as_the_published_ones_do(session: Session) -> None:
    ends = session.model.generation_config.eos_token_id
    assert session.processor.tokenizer.convert_ids_to_tokens(ends) == ["<|im_end|>", "<|endoftext|>"]


def test_its_chat_template_is_the_published_one(session: Session) -> None:
    template = Path(inspector.__file__).parents[1] / "plugins" / "qwen2_5_vl.jinja"
    assert session.processor.tokenizer.chat_template.rstrip() == template.read_text(encoding="utf-8").rstrip()


def test_it_captions_the_bundled_pictures(session: Session) -> None:
    scenes = {
        "scene": {"red circle", "blue square", "yellow star"},
        "two": {"green triangle", "purple circle"},
        "dark": {"orange star", "orange square", "green circle"},
    }
    for name, things in scenes.items():
        answer = asked(session, "What is in the picture?", images=PICTURES / f"{name}.png")
        assert all(thing in answer for thing in things), answer


def test_it_follows_a_thing_that_moves(session: Session) -> None:
    clip = PICTURES / "moving.gif"
    assert "bottom left" in asked(session, "Where was the red star?", videos=clip).lower()
    assert "top right" in asked(session, "Where is the red star now?", videos=clip).lower()
    assert "from the bottom left to the top right" in asked(session, "What happens in the video?", videos=clip)


def test_it_says_where_a_thing_is_that_somebody_else_drew(session: Session) -> None:
    picture = drawn("blue", "red")
    assert asked(session, "Where is the blue square?", images=picture).lower().endswith("left.")


def test_it_answers_held_out_questions_about_clips(session: Session) -> None:
    asked = [case for kind in ABOUT_CLIPS for case in cases(kind, 10, SIZES, seed=3)]
    assert mean(right(case, answer) for case, answer in zip(asked, answers(session, asked), strict=True)) > 0.85
