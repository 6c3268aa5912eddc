"""What the training of CLIP + Qwen sees is what the library encodes."""

from __future__ import annotations

from random import Random

import pytest
import torch
from demo_training import clip_qwen
from demo_training.auxiliary import AuxiliaryHeads
from demo_training.clip_qwen import TinyClipQwen, pixels
from demo_training.clip_start import cosines, places
from demo_training.lessons import Lesson, Plan, lessons
from demo_training.packing import IGNORED, PICTURE, PREFIX, Packed

import inspector
from inspector import Session
from inspector.models.inputs import Inputs, make_request


@pytest.fixture(scope="module")
def tiny() -> TinyClipQwen:
    torch.manual_seed(0)
    return TinyClipQwen()


@pytest.fixture(scope="module")
def session(tiny: TinyClipQwen, tmp_path_factory: pytest.TempPathFactory) -> Session:
    directory = tmp_path_factory.mktemp("checkpoint")
    tiny.save(directory)
    return inspector.load(directory)


@pytest.fixture
def lesson() -> Lesson:
    """A picture that is no square, with five turns and one that does without it."""
    made = lessons(Plan(1, 168, 112), Random(4))[0]
    return Lesson(made.scene, made.frames, made.asked, [("Hello", "Hi!")])


def written_out(session: Session, inputs: Inputs) -> torch.Tensor:
    """The ids of the only row, with as many placeholders as the picture has tokens."""
    ids = inputs.tensors["input_ids"][0]
    count = torch.where(ids == session.config.image_token_id, session.config.image_seq_length, 1)
    return ids.repeat_interleave(count)


def packed(tiny: TinyClipQwen, lesson: Lesson, *, conversation: bool = False) -> Packed:
    tiny.packer.is_conversation = conversation
    return tiny.packer.pack([lesson], tiny.block)


@pytest.mark.parametrize("question_first", [True, False])
def test_the_first_turn_of_a_row_is_what_the_library_encodes(
    tiny: TinyClipQwen, session: Session, lesson: Lesson, monkeypatch: pytest.MonkeyPatch, question_first: bool
) -> None:
    monkeypatch.setattr(clip_qwen, "QUESTION_FIRST", float(question_first))
    asked, _ = lesson.asked[1]
    prompt = asked if question_first else f"<|extra_0|>{asked}"
    row = packed(tiny, Lesson(lesson.scene, lesson.frames, [lesson.asked[1]], []))
    inputs = session.encode(make_request(prompt, lesson.frames, None, None, False))
    expected = written_out(session, inputs)
    assert torch.equal(row.ids[0, : len(expected)], expected)
    assert torch.equal(row.positions[0, 0], torch.arange(row.ids.shape[1]))
    assert torch.equal(pixels([lesson]), inputs.tensors["pixel_values"])


def test_a_conversation_is_what_the_chat_template_writes(
    tiny: TinyClipQwen, session: Session, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_qwen, "QUESTION_FIRST", 1.0)
    row = packed(tiny, lesson, conversation=True)
    text = tiny.tokenizer.decode([*row.ids[0]]).replace("<|extra_0|>" * 64, "<|extra_0|>")
    roles = [part.split("\n", 1) for part in text.split("<|im_start|>")[1:]]
    said = [{"role": role, "content": content.removesuffix("\n").removesuffix("<|im_end|>")} for role, content in roles]
    assert [message["role"] for message in said] == ["system", *("user", "assistant") * 5]
    assert tiny.tokenizer.apply_chat_template(said, tokenize=False).rstrip("\n") == text
    assert torch.equal(row.visible[0, 0], torch.ones(row.visible.shape[-2:]).tril().bool())
    assert row.ids.shape[1] > session.config.text_config.seq_length


def test_turns_of_a_row_do_not_see_each_other(tiny: TinyClipQwen, lesson: Lesson) -> None:
    row = packed(tiny, lesson)
    segments, visible = row.segments[0], row.visible[0, 0]
    for turn in segments[segments > PICTURE].unique():
        own = segments == turn
        assert visible[own][:, (segments == PREFIX) | (segments == PICTURE)].all()
        assert not visible[own][:, (segments > PICTURE) & ~own].any()
    assert not visible[segments < 0][:, segments > PREFIX].any()


def test_training_computes_what_the_model_does(
    tiny: TinyClipQwen, session: Session, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of a conversation, beyond the tokens where dynamic NTK begins, against the whole model's logits."""
    monkeypatch.setattr(clip_qwen, "QUESTION_FIRST", 1.0)
    monkeypatch.setattr(clip_qwen, "CONVERSATIONS", 1.0)
    monkeypatch.setattr(clip_qwen, "LOOKING", 0)
    state = tiny.packer._random.getstate()
    row = packed(tiny, lesson, conversation=True)
    tiny.packer._random.setstate(state)
    ids = tiny.tokenizer.decode([*row.ids[0]]).replace("<|extra_0|>" * 64, "<|extra_0|>")
    inputs = tiny.tokenizer(ids, return_tensors="pt")["input_ids"]
    monkeypatch.setattr(tiny._random, "random", lambda: 0.0)
    with torch.no_grad():
        loss, _ = tiny.losses([lesson], AuxiliaryHeads(tiny.width))
        logits = tiny.model(input_ids=inputs, pixel_values=pixels([lesson])).logits[0]
    counted = row.targets[0] != IGNORED
    assert loss.item() == pytest.approx(tiny.packer.loss(logits[counted], row.targets[0][counted]).item(), rel=1e-4)
    assert tiny.model.config.text_config._attn_implementation == "sdpa"


def test_the_first_batches_teach_the_vision_tower_alone(tiny: TinyClipQwen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_qwen, "LOOKING", tiny._batches + 1)
    answers, seen = tiny.losses(lessons(Plan(2, 112, 112), Random(0)), AuxiliaryHeads(tiny.width))
    (answers + seen).backward()
    moved = {name.partition(".")[0] for name, weight in tiny.model.named_parameters() if weight.grad is not None}
    tiny.model.zero_grad()
    assert moved == {"vision_tower", "multi_modal_projector"}


def test_patch_embeddings_begin_as_cosines_and_stay(tiny: TinyClipQwen) -> None:
    patches = tiny.model.vision_tower.embeddings.patch_embedding.weight
    assert not patches.requires_grad
    filters = torch.nn.functional.normalize(cosines(128, 14).flatten(1), dim=1)
    assert torch.allclose(filters @ filters.T, torch.eye(128), atol=1e-5)


def test_positions_of_neighbours_are_alike() -> None:
    found = torch.nn.functional.normalize(places(8, 128), dim=1)
    alike = (found @ found.T).view(8, 8, 8, 8)[3, 3]
    assert alike[3, 4] == pytest.approx(alike[2, 3])
    assert alike[3, 3] > alike[3, 4] > alike[4, 4] > alike[0, 0]
