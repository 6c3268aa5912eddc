"""The bundled Qwen2.5-VL: what is in its directory, and that it sees."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import torch
from demo_training.asking import Case, answers, cases
from demo_training.evaluation import right
from demo_training.grammar import grammatical
from demo_training.questions import ABOUT_CLIPS, ABOUT_PICTURES
from demo_training.qwen2_5_vl import SIZES
from demo_training.seeing import heads_on_things, lens_agreement
from PIL import Image, ImageDraw

import inspector
from inspector import Plugins, Session
from inspector.models.sources import DEMOS

DIRECTORY = DEMOS / "qwen2.5-vl"
PICTURES = DEMOS / "pictures"
GREEDY = {"do_sample": False, "temperature": None, "max_new_tokens": 40}


@pytest.fixture(scope="module")
def session() -> Session:
    return inspector.load("demo:qwen2.5-vl", dtype="float32", device="cpu")


def asked(session: Session, prompt: str, **media: Any) -> str:
    """What is answered greedily, at the settings that ship."""
    with session.generate(prompt, **media, **GREEDY) as generation:
        return "".join(step.text for step in generation).removesuffix("<|im_end|>")


def drawn() -> Image.Image:
    """A picture that no program of ours drew: a red circle on the left and a blue square on the right."""
    image = Image.new("RGB", (300, 200), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((30, 60, 110, 140), fill="red")
    pen.rectangle((200, 65, 270, 135), fill="blue")
    return image


def test_it_is_small_and_complete() -> None:
    files = {file.name: file.stat().st_size for file in DIRECTORY.iterdir()}
    assert sum(files.values()) < 6_000_000
    assert {"README.md", "config.json", "example.json", "generation_config.json", "model.safetensors"} <= set(files)
    assert {"tokenizer.json", "preprocessor_config.json", "video_preprocessor_config.json"} <= set(files)


def test_it_is_the_real_architecture() -> None:
    session = inspector.load("demo:qwen2.5-vl", device="cpu")
    text, vision = session.config.text_config, session.config.vision_config
    assert session.info.class_name == "Qwen2_5_VLForConditionalGeneration"
    assert session.info.dtype == "bfloat16"
    assert session.info.parameters < 3_000_000
    assert not session.notices
    assert text.num_key_value_heads < text.num_attention_heads
    assert sum(text.rope_parameters["mrope_section"]) == text.head_dim // 2
    assert 0 < len(vision.fullatt_block_indexes) < vision.depth


def test_it_generates_with_the_published_settings(session: Session) -> None:
    published = Plugins.installed().presets["Qwen2.5-VL-7B"].generation or {}
    given = session.model.generation_config.to_dict()
    assert {name: given[name] for name in published if "token" not in name} == {
        name: value for name, value in published.items() if "token" not in name
    }
    stops = session.processor.tokenizer.convert_ids_to_tokens(given["eos_token_id"])
    assert stops == ["<|im_end|>", "<|endoftext|>"]


def test_its_chat_template_is_the_published_one(session: Session) -> None:
    template = Path(inspector.__file__).parents[1] / "plugins" / "qwen2_5_vl.jinja"
    assert session.processor.tokenizer.chat_template.rstrip() == template.read_text(encoding="utf-8").rstrip()


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


def test_it_captions_the_bundled_pictures(session: Session) -> None:
    scenes = {
        "scene": {"red circle", "blue square", "yellow star"},
        "two": {"green triangle", "purple circle"},
        "dark": {"orange star", "orange square", "green circle"},
    }
    for name, things in scenes.items():
        answer = asked(session, "What is in the picture?", images=PICTURES / f"{name}.png")
        assert all(thing in answer for thing in things), answer


def test_it_answers_about_a_picture_that_somebody_else_drew(session: Session) -> None:
    caption = asked(session, "What do you see?", images=drawn())
    assert "red circle" in caption
    assert "blue square" in caption
    assert asked(session, "Where is the blue square?", images=drawn()).lower().endswith("right.")


def test_it_follows_a_thing_that_moves(session: Session) -> None:
    clip = PICTURES / "moving.gif"
    assert "bottom left" in asked(session, "Where was the red star?", videos=clip).lower()
    assert "top right" in asked(session, "Where is the red star now?", videos=clip).lower()
    assert "from the bottom left to the top right" in asked(session, "What happens in the video?", videos=clip)


def test_it_answers_without_a_picture(session: Session) -> None:
    assert asked(session, "Hello!").startswith(("Hello", "Hi"))
    assert "model" in asked(session, "Who are you?")
    assert "picture" in asked(session, "Where is the red circle?")
    assert all(map(grammatical, (asked(session, "What can you do?"), asked(session, "What is in the picture?"))))


@pytest.fixture(scope="module")
def held_out() -> list[Case]:
    return [case for kind in ABOUT_PICTURES for case in cases(kind, 25, SIZES, seed=3)]


def test_it_answers_held_out_questions_and_looks_at_the_picture(session: Session, held_out: list[Case]) -> None:
    found = answers(session, held_out)
    assert mean(right(case, answer) for case, answer in zip(held_out, found, strict=True)) > 0.95
    pictures = [
        held_out[place - 1].frames if place % 25 else held_out[place + 24].frames for place in range(len(held_out))
    ]
    blind = [Case(case.scene, case.question, other) for case, other in zip(held_out, pictures, strict=True)]
    found = answers(session, blind)
    assert mean(right(case, answer) for case, answer in zip(blind, found, strict=True)) < 0.5


def test_it_answers_held_out_questions_about_clips(session: Session) -> None:
    asked = [case for kind in ABOUT_CLIPS for case in cases(kind, 10, SIZES, seed=3)]
    assert mean(right(case, answer) for case, answer in zip(asked, answers(session, asked), strict=True)) > 0.85


def test_temperature_changes_the_words_and_not_the_grammar(session: Session) -> None:
    found = cases("caption", 10, SIZES[:1], seed=3)
    said = []
    for seed in range(8):
        torch.manual_seed(seed)
        said.append(answers(session, found, do_sample=True, temperature=1.0))
    assert mean(len(set(texts)) for texts in zip(*said, strict=True)) >= 5
    assert mean(grammatical(text) for texts in said for text in texts) > 0.95


def test_heads_look_at_the_thing_and_the_answer_forms_layer_by_layer(session: Session) -> None:
    found = cases("caption", 25, SIZES[:1], seed=3)
    assert max(heads_on_things(session, found).values()) >= 0.9
    agreement = lens_agreement(session, found)
    assert agreement[-1] == 1
    assert agreement[0] < 0.5
    assert agreement[-2] > agreement[1]
