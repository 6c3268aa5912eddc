"""The bundled CLIP + Qwen: what is in its directory, that it sees, and that it goes on seeing beyond its length."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean
from typing import Any

import pytest
import torch
from demo_training.asking import Case, answers, cases
from demo_training.clip_qwen import SIZES
from demo_training.evaluation import right
from demo_training.grammar import grammatical
from demo_training.questions import ABOUT_PICTURES
from demo_training.seeing import heads_on_things, lens_agreement
from PIL import Image, ImageDraw

import inspector
from inspector import Plugins, Session
from inspector.models.sources import DEMOS
from inspector_plugins.clip_qwen.tokens import SYSTEM

DIRECTORY = DEMOS / "clip-qwen"
PICTURES = DEMOS / "pictures"
GREEDY: dict[str, Any] = {"do_sample": False, "max_new_tokens": 40}


@pytest.fixture(scope="module")
def session() -> Session:
    return inspector.load("demo:clip-qwen", dtype="float32", device="cpu")


def asked(session: Session, prompt: str | None = None, **given: Any) -> str:
    """What is answered greedily, otherwise at the settings that ship."""
    with session.generate(prompt, **given, **GREEDY) as generation:
        return "".join(step.text for step in generation).removesuffix("<|im_end|>")


def drawn() -> Image.Image:
    """A picture that no program of ours drew: a green square on the left and a purple circle on the right."""
    image = Image.new("RGB", (320, 200), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((25, 65, 95, 135), fill="green")
    pen.ellipse((225, 60, 305, 140), fill="purple")
    return image


def conversation(*turns: tuple[str, str], last: str) -> list[dict[str, Any]]:
    """Questions with their answers, the first about a picture, and a question that is still open."""
    messages: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(turns):
        picture = [{"type": "image"}] if number == 0 else []
        messages.append({"role": "user", "content": [{"type": "text", "text": question}, *picture]})
        messages.append({"role": "assistant", "content": answer})
    return [*messages, {"role": "user", "content": last}]


def test_it_is_small_and_complete() -> None:
    files = {file.name: file.stat().st_size for file in DIRECTORY.iterdir()}
    assert sum(files.values()) < 6_000_000
    assert {"README.md", "config.json", "example.json", "generation_config.json", "model.safetensors"} <= set(files)
    assert {"tokenizer.json", "chat_template.jinja", "preprocessor_config.json"} <= set(files)


def test_it_is_the_model_of_the_family() -> None:
    session = inspector.load("demo:clip-qwen", device="cpu")
    assert session.info.class_name == "ClipQwenForConditionalGeneration"
    assert session.family.name == "clip_qwen"
    assert session.info.dtype == "bfloat16"
    assert session.info.parameters < 3_000_000
    assert not session.notices
    assert session.config.image_seq_length == 64
    text = session.config.text_config
    assert text.use_dynamic_ntk
    assert text.use_logn_attn
    assert session.processor.tokenizer.convert_ids_to_tokens(session.config.image_token_id) == "<|extra_0|>"
    assert SYSTEM in session.processor.tokenizer.chat_template


def test_it_generates_with_the_published_settings(session: Session) -> None:
    published = Plugins.installed().presets["CLIP-ViT-L-14+Qwen-7B"].generation or {}
    given = session.model.generation_config.to_dict()
    shared = [name for name in published if "token_id" not in name]
    assert {name: given[name] for name in shared} == {name: published[name] for name in shared}
    stops = session.processor.tokenizer.convert_ids_to_tokens(given["eos_token_id"])
    assert stops == ["<|im_end|>", "<|im_start|>", "<|endoftext|>"]


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


def test_it_captions_pictures_of_other_sizes(session: Session) -> None:
    caption = asked(session, "What do you see?", images=drawn())
    assert "green square" in caption
    assert "purple circle" in caption
    assert "on the right" in asked(session, "Where is the purple circle?", images=drawn()).lower()
    caption = asked(session, "What is in the picture?", images=PICTURES / "two.png")
    assert "green triangle" in caption
    assert "purple circle" in caption


def test_the_picture_may_also_stand_before_the_question(session: Session) -> None:
    parts = [{"type": "image"}, {"type": "text", "text": "What color is the square?"}]
    answer = asked(session, messages=[{"role": "user", "content": parts}], images=PICTURES / "scene.png")
    assert "blue" in answer.lower()


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
    assert mean(right(case, answer) for case, answer in zip(held_out, found, strict=True)) > 0.92
    pictures = [held_out[place - 1 if place % 25 else place + 24].frames for place in range(len(held_out))]
    blind = [Case(case.scene, case.question, other) for case, other in zip(held_out, pictures, strict=True)]
    found = answers(session, blind)
    assert mean(right(case, answer) for case, answer in zip(blind, found, strict=True)) < 0.5


def test_a_longer_prompt_reaches_dynamic_ntk_and_logn_and_is_still_understood(session: Session) -> None:
    messages = conversation(
        ("How many shapes are there?", "There are three."),
        ("What color is the square?", "It is blue."),
        ("Where is the red circle?", "It is on the left."),
        ("Is there a green circle?", "No, there is not."),
        last="What shape is yellow?",
    )
    picture = PICTURES / "scene.png"
    trace = session.trace(messages=messages, images=picture, values="*.rotary_emb")
    rotary = trace.call("language_model.transformer.rotary_emb")
    alpha, logn = (trace.value(rotary, f"output.{name}") for name in ("alpha", "logn"))
    length = session.config.text_config.seq_length
    assert alpha.shape[1] > length
    assert alpha[0, length - 1 :].tolist() == [1, *[3] * (alpha.shape[1] - length)]
    assert logn[0, length - 1] == 1
    assert logn[0, -1] > 1
    assert "star" in asked(session, messages=messages, images=picture).lower()


def test_a_short_prompt_stays_below_both(session: Session) -> None:
    trace = session.trace("What is in the picture?", images=PICTURES / "scene.png", values="*.rotary_emb")
    rotary = trace.call("language_model.transformer.rotary_emb")
    assert trace.value(rotary, "output.alpha").unique().tolist() == [1]
    assert "output.logn" not in rotary.outputs


def test_temperature_changes_the_words_and_not_the_grammar(session: Session) -> None:
    found = cases("caption", 10, SIZES[:1], seed=3)
    hot: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0, "repetition_penalty": 1.0}
    said, default = [], []
    for seed in range(8):
        torch.manual_seed(seed)
        said.append(answers(session, found, do_sample=True, **hot))
        default.append(answers(session, found, do_sample=True))
    assert mean(len(set(texts)) for texts in zip(*said, strict=True)) >= 5
    assert mean(grammatical(text) for texts in default for text in texts) > 0.98


def test_heads_look_at_the_thing(session: Session) -> None:
    assert max(heads_on_things(session, cases("caption", 25, SIZES[:1], seed=3)).values()) >= 0.9


def test_the_answer_forms_layer_by_layer(session: Session) -> None:
    found = [case for kind in ABOUT_PICTURES for case in cases(kind, 10, SIZES[:1], seed=3)]
    agreement = lens_agreement(session, found)
    assert agreement[0] < 0.6
    assert agreement[-1] == 1
    assert all(later > earlier - 0.03 for earlier, later in pairwise(agreement))
