"""Qwen2.5-VL: inputs as its own processor makes them, positions of three axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, Qwen2_5_VLProcessor

from inspector import InputError, Processor, Request
from inspector.models.sources import Source
from inspector.plugins import Plugins
from inspector_plugins.qwen2_5_vl import Qwen2_5_VL
from tests.fakes import IMAGE, picture, save_tiny, tiny, tiny_image_processor, tiny_tokenizer

SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
QUESTION = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Any, Processor]:
    save_tiny("qwen2_5_vl", tmp_path, weights=False)
    config = AutoConfig.from_pretrained(tmp_path)
    return config, Qwen2_5_VL().processor(Source("tiny", "directory", path=tmp_path), config)


def test_inputs_equal_those_of_the_models_own_processor(opened: tuple[Any, Processor]) -> None:
    config, processor = opened
    pictures = [picture(84, 56), picture(50, 100)]
    inputs = Qwen2_5_VL().inputs(Request(("What?", "And this?"), tuple(pictures)), processor, config)

    class WithoutVideos(Qwen2_5_VLProcessor):  # its video processor needs torchvision
        def check_argument_for_proper_class(self, name: str, argument: Any) -> None:
            pass

    tokenizer = tiny_tokenizer("qwen2_5_vl")
    reference = WithoutVideos(
        tiny_image_processor("qwen2_5_vl"), tokenizer, None, chat_template=tokenizer.chat_template
    )
    texts = [
        reference.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]}],
            add_generation_prompt=True,
        )
        for words in ("What?", "And this?")
    ]
    expected = reference(images=pictures, text=texts, padding=True, padding_side="left", return_tensors="pt")
    assert set(inputs.tensors) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(inputs.tensors[name], tensor), name


def test_inputs_follow_the_published_formulas(opened: tuple[Any, Processor]) -> None:
    """h and w rounded to multiples of 28, an image token for every four patches, types 1 where they stand."""
    config, processor = opened
    inputs = Qwen2_5_VL().inputs(Request(("What?",), (picture(84, 56), picture(50, 100))), processor, config).tensors
    assert inputs["image_grid_thw"].tolist() == [[1, 4, 6], [1, 8, 4]]
    assert inputs["pixel_values"].shape == (24 + 32, 3 * 2 * 14 * 14)
    assert (inputs["input_ids"] == IMAGE).sum() == (24 + 32) // 4
    assert torch.equal(inputs["mm_token_type_ids"].bool(), inputs["input_ids"] == IMAGE)


def test_leaving_the_types_out_would_change_the_logits(opened: tuple[Any, Processor]) -> None:
    config, processor = opened
    inputs = Qwen2_5_VL().inputs(Request(("What?",), (picture(84, 56),)), processor, config).tensors
    without = {name: tensor for name, tensor in inputs.items() if name != "mm_token_type_ids"}
    with torch.no_grad():
        assert not torch.equal(tiny("qwen2_5_vl")(**inputs).logits, tiny("qwen2_5_vl")(**without).logits)


def test_positions_drop_the_text_axis_of_packed_sequences() -> None:
    packed = torch.arange(8).reshape(4, 1, 2)
    assert Qwen2_5_VL().positions(packed) == [[(2, 4, 6), (3, 5, 7)]]
    assert Qwen2_5_VL().positions(packed[1:]) == [[(2, 4, 6), (3, 5, 7)]]
    assert Qwen2_5_VL().positions(torch.tensor([[0, 1]])) == [[(0,), (1,)]]


@pytest.mark.parametrize("name", ["Qwen2.5-VL-7B", "Qwen2.5-7B"])
def test_published_chat_templates(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector_plugins.qwen_vocabulary.find_spec", lambda name: None)
    plugins = Plugins.installed()
    preset = plugins.presets[name]
    config = AutoConfig.for_model(preset.config["model_type"])
    family = next(family for family in plugins.families if family.matches(config))
    tokenizer = family.tokenizer(Source(f"preset:{name}", "preset", preset=preset), config, [])
    assert tokenizer is not None

    def render(*messages: dict[str, Any]) -> str:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))

    if "VL" in name:
        parts = [{"type": "image"}, {"type": "text", "text": "What?"}]
        assert render({"role": "user", "content": parts}) == SYSTEM + QUESTION
        system = {"role": "system", "content": [{"type": "text", "text": "Be brief"}]}
        expected = SYSTEM.replace("You are a helpful assistant.", "Be brief") + QUESTION
        assert render(system, {"role": "user", "content": parts}) == expected
    else:
        alibaba = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        question = "<|im_start|>user\nWhat?<|im_end|>\n<|im_start|>assistant\n"
        expected = f"<|im_start|>system\n{alibaba}<|im_end|>\n{question}"
        assert render({"role": "user", "content": "What?"}) == expected
        brief = {"role": "system", "content": "Be brief"}
        expected = f"<|im_start|>system\nBe brief<|im_end|>\n{question}"
        assert render(brief, {"role": "user", "content": "What?"}) == expected


def clip(count: int, width: int = 84, height: int = 56) -> list[Any]:
    return [picture(width, height, seed=seed) for seed in range(count)]


def test_videos_become_patches_tokens_and_seconds(opened: tuple[Any, Processor]) -> None:
    config, processor = opened
    asked = Request(("What?", "And this?"), (), videos=(clip(6), clip(3, 56, 56)), fps=4)
    inputs = Qwen2_5_VL().inputs(asked, processor, config)
    tensors = inputs.tensors
    assert tensors["video_grid_thw"].tolist() == [[3, 4, 6], [2, 4, 4]]
    assert tensors["pixel_values_videos"].shape == (72 + 32, 1176)
    assert tensors["second_per_grid_ts"].tolist() == [0.5, 0.5]
    assert (tensors["mm_token_type_ids"] == 2).sum(1).tolist() == [18, 8]
    assert [(item.kind, item.row, item.frames, item.seconds_per_grid) for item in inputs.media] == [
        ("video", 0, 6, 0.5),
        ("video", 1, 3, 0.5),
    ]
    assert [text.count("<|video_pad|>") for text in inputs.texts] == [18, 8]
    assert inputs.facts["conversations"][0]["placeholders"] == {"image": 0, "video": 1}
    with torch.no_grad():
        assert tiny("qwen2_5_vl")(**tensors).logits.isfinite().all()


def test_pictures_and_videos_of_a_conversation(opened: tuple[Any, Processor], tmp_path: Path) -> None:
    config, processor = opened
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(clip(4)):
        frame.save(folder / f"{number}.png")
    parts = [
        {"type": "image"},
        {"type": "video", "video": str(folder)},
        {"type": "video"},
        {"type": "text", "text": "?"},
    ]
    asked = Request(messages=([{"role": "user", "content": parts}],), images=(picture(56, 56),), videos=(clip(2),))
    inputs = Qwen2_5_VL().inputs(asked, processor, config)
    assert inputs.tensors["image_grid_thw"].tolist() == [[1, 4, 4]]
    assert inputs.tensors["video_grid_thw"].tolist() == [[2, 4, 6], [1, 4, 6]]
    assert [item.source for item in inputs.media] == ["picture 1", str(folder), "video 1"]
    assert "24 a second are assumed" in inputs.notices[0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Request(("a", "b", "c"), videos=(clip(2), clip(2))), "2 videos cannot be dealt out to 3 prompts"),
        (Request(("<|video_pad|>",)), "has 1 placeholders for videos .* and 0 videos were given"),
        (Request(("Hi",), videos=("absent.mp4",)), "There is no file absent.mp4"),
        (Request(("Hi",), videos=(clip(2),), fps=2, frames=2), "--fps and --frames are two ways"),
        (Request(("Hi",), videos=(clip(2),), fps=0), "--fps 0: a number above 0 was expected"),
        (Request(("Hi",), videos=(clip(2, 2000, 8),)), "2000×8 cannot be processed for this model"),
        (Request(("Hi",), videos=(clip(2),), raw=True), r"with --raw they stand in the text: write <\|video_pad\|>"),
    ],
)
def test_videos_that_cannot_be_encoded(opened: tuple[Any, Processor], asked: Request, message: str) -> None:
    config, processor = opened
    with pytest.raises(InputError, match=message):
        Qwen2_5_VL().inputs(asked, processor, config)
