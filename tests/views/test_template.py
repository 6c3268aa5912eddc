"""Messages, text and ids beside each other, and what is lost between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import inspector
from inspector import InputError, Session, Trace
from inspector.parts import Table, Text
from inspector.views.template import VIEW
from tests.fakes import IMAGE, picture, save_tiny
from tests.traces import small_trace
from tests.views.shown import checks, column, titled


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return inspector.load(save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("template") / "model", weights=False))


def text(trace: Trace, title: str, **asked: str) -> str:
    part = titled(VIEW(trace, **asked), title)
    assert isinstance(part, Text)
    return part.text


def test_messages_text_and_ids(session: Session) -> None:
    trace = session.trace("What?", images=picture(84, 56), system="Be brief")
    messages = titled(VIEW(trace), "Messages")
    assert isinstance(messages, Table)
    assert list(messages.rows) == [
        (0, "system", "text", "Be brief"),
        (1, "user", "image", None),
        (1, "user", "text", "What?"),
    ]
    rendered = text(trace, "Text, as the chat template wrote it")
    assert rendered.count("<|image_pad|>") == 1
    assert rendered.endswith("<|im_start|>assistant\n")
    assert "<|vision_start|><|image_pad|> × 6 <|vision_end|>" in text(trace, "Text, placeholders written out")
    run = titled(VIEW(trace), "Placeholders written out")
    assert isinstance(run, Table)
    first = rendered.encode().index(b"<|image_pad|>")
    assert [row[:2] + row[4:6] for row in run.rows] == [("image", 1, 6, IMAGE)]
    assert column(run, "first token")[0] < first
    assert {result for result, _ in checks(VIEW, trace).values()} == {"agrees"}


def test_special_tokens_are_marked(session: Session) -> None:
    trace = session.trace("Hi", images=picture(56, 56))
    tokens = titled(VIEW(trace), "Tokens")
    assert isinstance(tokens, Table)
    special = {row[2] for row in tokens.rows if row[4]}
    assert special == {"<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"}
    kinds = titled(VIEW(trace), "Kinds")
    assert column(kinds, "kind") == ["text", "special", "image"]
    assert sum(column(kinds, "tokens")) == len(tokens.rows)


def test_videos_and_batches(session: Session) -> None:
    frames = [picture(56, 56, seed=seed) for seed in range(4)]
    trace = session.trace(["What?", "And this, which is longer?"], videos=[frames, frames], fps=2)
    for row in ("0", "1"):
        assert (
            "1 placeholder in the text became 8 video tokens of the ids."
            in checks(VIEW, trace, row=row)["video placeholders"]
        )
    assert "pad" in column(titled(VIEW(trace, row="0"), "Kinds"), "kind")
    with pytest.raises(InputError, match="--row 2: there are 2 rows"):
        VIEW(trace, row="2")


def test_the_source_of_the_template(session: Session, tmp_path: Path) -> None:
    trace = session.trace("Hi")
    opened = Trace.open(trace.save(tmp_path / "trace"))
    part = titled(VIEW(opened, source="yes"), "Chat template")
    assert isinstance(part, Text)
    assert ("for message in messages" in part.text, part.language) == (True, "jinja")
    assert not any(part.title == "Chat template" for part in VIEW(opened))


def test_without_a_template(session: Session) -> None:
    trace = session.trace("A <|image_pad|>", images=picture(56, 56), raw=True)
    assert checks(VIEW, trace)["chat template"] == ("cannot be told", "It was left out (--raw).")
    assert text(trace, "Text, as it was given") == "A <|image_pad|>"
    inputs = session.encode(inspector.Request(("Hi",)))
    (part, *_) = VIEW(session.trace(inputs=inputs.tensors))
    assert part.title == "Checks"


def test_a_template_that_leaves_something_out(session: Session) -> None:
    assert session.processor.tokenizer is not None
    whole = session.processor.tokenizer.chat_template
    try:
        session.processor.tokenizer.chat_template = "{{ messages[0].role }}"
        lost = session.trace("What is this?")
        session.processor.tokenizer.chat_template = "{% if false %}x{% endif %}  "
        empty: Any = session.family.inputs(inspector.Request(("Hi",), raw=True), session.processor, session.config)
        empty.facts["conversations"][0] |= {"messages": [{"role": "user", "content": "Hi"}], "rendered": "  "}
        nothing = session.trace(inputs=empty)
    finally:
        session.processor.tokenizer.chat_template = whole
    assert checks(VIEW, lost)["chat template"] == ("≠ differs", "Of the messages it left out 'What is this?'.")
    assert checks(VIEW, nothing)["chat template"] == ("≠ differs", "It wrote nothing of these messages.")


def test_placeholders_that_were_not_written_out(session: Session) -> None:
    inputs = session.encode(inspector.Request(("What?",), (picture(84, 56),)))
    ids = inputs.tensors["input_ids"]
    places = (ids[0] == IMAGE).nonzero().flatten()
    kept = [place for place in range(ids.shape[1]) if place not in places[1:].tolist()]
    cut = {name: tensor[:, kept] for name, tensor in inputs.tensors.items() if tensor.shape == ids.shape}
    inputs.tensors |= {**cut, "image_grid_thw": inputs.tensors["image_grid_thw"]}
    with pytest.raises(inspector.ForwardError) as raised:
        session.trace(inputs=inputs)
    result, evidence = checks(VIEW, raised.value.trace)["image placeholders"]
    assert result == "≠ differs"
    assert evidence == (
        "1 placeholder in the text became 1 image token of the ids. The grids ask for 6. They were not written out."
    )
    small = session.trace("What?", images=picture(28, 28))  # a picture of a single token
    assert checks(VIEW, small)["image placeholders"][0] == "agrees"


@pytest.mark.parametrize("trace", [Trace(small_trace().model), small_trace()])
def test_traces_that_hold_little(trace: Trace) -> None:
    assert VIEW(trace)
