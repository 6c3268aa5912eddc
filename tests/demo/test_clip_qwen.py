"""The bundled CLIP + Qwen: what it is made of, how it may be asked, and that it goes on seeing beyond its length."""

from __future__ import annotations

from typing import Any

import pytest

import inspector
from inspector import Session
from inspector_plugins.clip_qwen.tokens import SYSTEM
from tests.demo.answering import PICTURES, asked


@pytest.fixture(scope="module")
def session() -> Session:
    return inspector.load("demo:clip-qwen", dtype="float32", device="cpu")


def conversation(*turns: tuple[str, str], last: str) -> list[dict[str, Any]]:
    """Questions with their answers, the first about a picture, and a question that is still open."""
    messages: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(turns):
        picture = [{"type": "image"}] if number == 0 else []
        messages.append({"role": "user", "content": [{"type": "text", "text": question}, *picture]})
        messages.append({"role": "assistant", "content": answer})
    return [*messages, {"role": "user", "content": last}]


def test_it_is_the_model_of_the_family(session: Session) -> None:
    assert session.info.class_name == "ClipQwenForConditionalGeneration"
    assert session.family.name == "clip_qwen"
    assert session.config.image_seq_length == 64
    text = session.config.text_config
    assert text.use_dynamic_ntk
    assert text.use_logn_attn
    assert session.processor.tokenizer.convert_ids_to_tokens(session.config.image_token_id) == "<|extra_0|>"
    assert SYSTEM in session.processor.tokenizer.chat_template


def test_its_answers_end_as_the_published_ones_do(session: Session) -> None:
    ends = session.model.generation_config.eos_token_id
    stops = session.processor.tokenizer.convert_ids_to_tokens(ends)
    assert stops == ["<|im_end|>", "<|im_start|>", "<|endoftext|>"]


def test_it_captions_a_picture_that_is_no_square(session: Session) -> None:
    caption = asked(session, "What is in the picture?", images=PICTURES / "two.png")
    assert "green triangle" in caption
    assert "purple circle" in caption


def test_the_picture_may_also_stand_before_the_question(session: Session) -> None:
    parts = [{"type": "image"}, {"type": "text", "text": "What color is the square?"}]
    answer = asked(session, messages=[{"role": "user", "content": parts}], images=PICTURES / "scene.png")
    assert "blue" in answer.lower()


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
