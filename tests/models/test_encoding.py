"""Requests become the forward's arguments, or one clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoConfig

from inspector.errors import InputError
from inspector.models.family import Family
from inspector.models.inputs import Inputs, Request
from inspector.models.processors import Processor
from inspector.models.sources import Source
from tests.fakes import (
    EOS,
    IMAGE,
    IMAGE_TEXT_MODELS,
    picture,
    save_tiny,
    tiny,
    tiny_config,
    tiny_tokenizer,
)

NOT_ON_5_17 = pytest.mark.skipif(transformers.__version__.startswith("5.17."), reason="transformers 5.17 cannot")


class Model:
    """A tiny checkpoint as it is opened from its directory."""

    def __init__(self, name: str, directory: Path) -> None:
        save_tiny(name, directory, weights=False)
        self.config = AutoConfig.from_pretrained(directory)
        self.processor = Family().processor(Source(name, "directory", path=directory), self.config)

    def encode(self, *prompts: str, **options: Any) -> Inputs:
        return Family().inputs(Request(prompts, **options), self.processor, self.config)


@pytest.fixture
def llama(tmp_path: Path) -> Model:
    return Model("llama", tmp_path)


@pytest.fixture
def vision(tmp_path: Path) -> Model:
    return Model("qwen2_5_vl", tmp_path)


def image(**fields: Any) -> dict[str, Any]:
    return {"type": "image", **fields}


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [part if isinstance(part, dict) else text(part) for part in parts]}]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_chat_template_with_system_text(llama: Model) -> None:
    inputs = llama.encode("Hi", system="Be brief")
    assert inputs.texts == [
        "<|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    ]
    assert llama.processor.tokenizer is not None
    assert llama.processor.tokenizer.decode(inputs.tensors["input_ids"][0]) == inputs.texts[0]
    assert set(inputs.tensors) == {"input_ids", "attention_mask"}
    assert inputs.notices == []


def test_raw_text(llama: Model) -> None:
    inputs = llama.encode("Hi", raw=True)
    assert inputs.tensors["input_ids"].tolist() == [[72, 105]]
    assert inputs.texts == ["Hi"]


def test_a_batch_is_padded_on_the_left(llama: Model) -> None:
    inputs = llama.encode("Hi", "Hello", raw=True)
    assert inputs.tensors["input_ids"].tolist() == [[EOS, EOS, EOS, 72, 105], list(b"Hello")]
    assert inputs.tensors["attention_mask"].tolist() == [[0, 0, 0, 1, 1], [1] * 5]


def test_conversations_end_where_the_assistant_speaks(llama: Model) -> None:
    asked = [{"role": "user", "content": "Hi"}]
    answered = [*asked, {"role": "assistant", "content": [text("Yes"), text(".")]}]
    inputs = llama.encode(messages=(asked, answered))
    assert inputs.texts[0].endswith("<|im_start|>assistant\n")
    assert inputs.texts[1].endswith("<|im_start|>assistant\nYes.<|im_end|>\n")


def test_without_a_chat_template_the_text_stands_as_it_is(tmp_path: Path) -> None:
    config = tiny_config("llama")
    processor = Processor(tiny_tokenizer("llama", template=False))
    inputs = Family().inputs(Request(("Hi",)), processor, config)
    assert inputs.texts == ["Hi"]
    assert "no chat template" in inputs.notices[0]
    with pytest.raises(InputError, match="A system text needs a chat template, and this model has none"):
        Family().inputs(Request(("Hi",), system="Be brief"), processor, config)
    with pytest.raises(InputError, match="Messages need a chat template"):
        Family().inputs(Request(messages=(user("Hi"),)), processor, config)


@pytest.mark.parametrize(
    "name",
    # Of Idefics 3, transformers 5.17 finds no image processor without torchvision.
    [pytest.param(name, marks=[NOT_ON_5_17] * (name == "idefics3")) for name in sorted(IMAGE_TEXT_MODELS)],
)
def test_pictures_of_any_image_text_model(name: str, tmp_path: Path) -> None:
    """Placeholders, features and types agree, or the forward itself would raise."""
    model = Model(name, tmp_path)
    one = model.encode("What?", images=(picture(84, 56), picture(50, 90)))
    several = model.encode("What?", "And this one?", images=(picture(84, 56), picture(50, 90)))
    uneven = model.encode(messages=(user(image(), "a", image()), user("b")), images=(picture(), picture(30, 30)))
    for inputs in (one, several, uneven):
        assert len(inputs.media) == 2
        assert (inputs.tensors["input_ids"] == IMAGE).any(dim=1)[0]
        with torch.no_grad():
            assert tiny(name)(**inputs.tensors).logits.isfinite().all()
    kinds = Family().token_kinds(
        uneven.tensors["input_ids"], uneven.tensors["attention_mask"], model.config, model.processor.tokenizer
    )
    assert "image" in kinds[0]
    assert "image" not in kinds[1]
    assert kinds[1][0] == "pad"


def test_placeholders_are_written_out(vision: Model) -> None:
    inputs = vision.encode("Hi", images=(picture(84, 56),))
    grid = inputs.tensors["image_grid_thw"]
    assert grid.tolist() == [[1, 4, 6]]
    assert inputs.texts[0].count("<|image_pad|>") == 6
    types = inputs.tensors["mm_token_type_ids"]
    assert torch.equal(types == 1, inputs.tensors["input_ids"] == IMAGE)
    assert inputs.media[0].to_json() == {"kind": "image", "source": "picture 1", "width": 84, "height": 56}


def test_a_prompt_may_say_where_its_pictures_belong(vision: Model) -> None:
    raw = "A <|image_pad|> and <|image_pad|>."
    for options in ({"raw": True}, {}):
        inputs = vision.encode(raw, images=(picture(84, 56), picture(56, 56)), **options)
        before, _, after = inputs.texts[0].partition(" and ")
        assert (before.count("<|image_pad|>"), after.count("<|image_pad|>")) == (6, 4)
    batch = vision.encode("<|image_pad|><|image_pad|>?", "none", raw=True, images=(picture(), picture()))
    assert [text.count("<|image_pad|>") for text in batch.texts] == [12, 0]


def test_messages_name_their_pictures(vision: Model, tmp_path: Path) -> None:
    file = tmp_path / "noise.png"
    picture(56, 56).save(file)
    named = [
        image(image=picture(84, 56)),
        image(path=str(file)),
        {"type": "image_url", "image_url": {"url": f"file://{file}"}},
    ]
    inputs = vision.encode(messages=(user(*named, image(), "?"),), images=(picture(28, 28),))
    assert [item.source for item in inputs.media] == ["picture 1", str(file), str(file), "picture 1"]
    assert inputs.tensors["image_grid_thw"].prod(dim=1).tolist() == [24, 16, 16, 4]


PICTURE = picture()


@pytest.mark.parametrize(
    ("prompts", "options", "message"),
    [
        ((), {}, "There is no prompt"),
        (("",), {}, "The prompt is empty"),
        (("Hi", " \n"), {}, "Prompt 2 is empty"),
        (("Hi",), {"messages": (user("Hi"),)}, "either prompts or messages"),
        ((), {"messages": ([],)}, "The conversation is empty"),
        ((), {"messages": (["Hi"],)}, "a message is an object with `role` and `content`"),
        ((), {"messages": ([{"role": "user"}],)}, "the user's message has no `content`"),
        ((), {"messages": ([{"role": "user", "content": ["Hi"]}],)}, "a part of a message is an object"),
        ((), {"messages": (user({"type": "audio", "audio": "cat.mp3"}),)}, "holds audio"),
        ((), {"messages": (user({"type": "video", "video": "cat.mp4"}),)}, "Videos cannot be encoded for this model"),
        (("Hi",), {"videos": ("cat.mp4",)}, "Videos cannot be encoded for this model.*torchvision"),
        ((), {"messages": (user("Hi"),), "raw": True}, "--raw leaves it out"),
        ((), {"messages": ([{"role": "system", "content": "a"}],), "system": "b"}, "give one of them"),
        (("Hi",), {"raw": True, "system": "Be brief"}, "A system text needs a chat template, and --raw"),
        (("<|image_pad|><|image_pad|>",), {"images": (PICTURE,)}, "has 2 placeholders .* and 1 images were given"),
        (("<|image_pad|>",), {}, "has 1 placeholders .* and 0 images were given"),
        (("Hi",), {"raw": True, "images": (PICTURE,)}, r"with --raw they stand in the text: write <\|image_pad\|>"),
        (("<|image_pad|>",), {"images": (PICTURE, PICTURE)}, "2 images were given and the prompt has 1 placeholders"),
        (("a", "b", "c"), {"images": (PICTURE, PICTURE)}, "2 images cannot be dealt out to 3 prompts"),
        (
            (),
            {"messages": (user(image(), image()),), "images": (PICTURE,)},
            "more placeholders for pictures than images were given",
        ),
        ((), {"messages": (user("a"), user("b")), "images": (PICTURE,)}, "belong to no part of a message"),
        (("Hi",), {"images": (picture(2000, 8),)}, r"picture 1 \(2000×8\) cannot be processed.*aspect ratio"),
        (("Hi",), {"images": ("absent.png",)}, "There is no file absent.png"),
        (("<|video_pad|>",), {}, "The prompt has a placeholder for a video"),
    ],
)
def test_what_cannot_be_encoded_is_said(
    vision: Model, prompts: tuple[str, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        vision.encode(*prompts, **options)


def test_a_model_of_text_takes_no_pictures(llama: Model) -> None:
    with pytest.raises(InputError, match="This model reads text alone"):
        llama.encode("Hi", images=(PICTURE,))
    with pytest.raises(InputError, match="reads text alone"):
        llama.encode(messages=(user(image(image=PICTURE), "Hi"),))


def test_a_template_that_refuses(llama: Model) -> None:
    assert llama.processor.tokenizer is not None
    llama.processor.tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(InputError, match="chat template refuses these messages: roles must alternate"):
        llama.encode("Hi")


def test_without_a_tokenizer(tmp_path: Path) -> None:
    save_tiny("llama", tmp_path, weights=False)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    config = AutoConfig.from_pretrained(tmp_path)
    processor = Family().processor(Source("here", "directory", path=tmp_path), config)
    assert processor.tokenizer is None
    assert "here has no tokenizer" in processor.notices[0]
    with pytest.raises(InputError, match="This model has no tokenizer"):
        Family().inputs(Request(("Hi",)), processor, config)


def test_a_damaged_tokenizer_and_image_processor_leave_the_rest_usable(tmp_path: Path) -> None:
    save_tiny("qwen2_5_vl", tmp_path, weights=False)
    config = AutoConfig.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "NoSuchImageProcessor"}')
    processor = Family().processor(Source("here", "directory", path=tmp_path), config)
    assert "The image processor of here cannot be loaded" in processor.notices[0]
    assert Family().inputs(Request(("Hi",)), processor, config).tensors["input_ids"].shape[0] == 1
    with pytest.raises(InputError, match="image processor of here cannot be loaded"):
        Family().inputs(Request(("Hi",), (PICTURE,)), processor, config)

    (tmp_path / "tokenizer.json").write_text("{")
    processor = Family().processor(Source("here", "directory", path=tmp_path), config)
    assert "The tokenizer of here cannot be loaded" in processor.notices[0]


def test_a_chat_template_in_the_old_place(tmp_path: Path) -> None:
    save_tiny("qwen2_5_vl", tmp_path, weights=False)
    (tmp_path / "chat_template.jinja").unlink()
    (tmp_path / "chat_template.json").write_text('{"chat_template": "old: {{ messages[0].content[0].text }}"}')
    config = AutoConfig.from_pretrained(tmp_path)
    processor = Family().processor(Source("here", "directory", path=tmp_path), config)
    assert Family().inputs(Request(("Hi",)), processor, config).texts == ["old: Hi"]
