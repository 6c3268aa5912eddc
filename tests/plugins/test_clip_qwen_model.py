"""The CLIP + Qwen model by itself: every way of running it agrees, and it is saved and loaded whole."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, DynamicCache

import inspector
from inspector.models.shape_only import shape_only
from inspector_plugins import clip_qwen
from inspector_plugins.clip_qwen.configuration import ClipQwenConfig, QwenConfig
from inspector_plugins.clip_qwen.decoder import QwenForCausalLM
from inspector_plugins.clip_qwen.model import ClipQwenForConditionalGeneration
from tests.models.test_shape_only import assert_same_integers, record
from tests.plugins import golden
from tests.plugins.golden import FLOAT, largest, unmasked

IMAGE = 500
PATCHES = 16
Model = ClipQwenForConditionalGeneration


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def model(request: pytest.FixtureRequest) -> Model:
    return golden.model(faithful=False, attention=request.param)


def rows(*placeholders: tuple[int, int]) -> list[Tensor]:
    """Ids of several rows: for each its length and how many placeholders stand in it."""
    generator = torch.Generator().manual_seed(3)
    made = []
    for length, count in placeholders:
        ids = torch.randint(1, 400, (length,), generator=generator)
        ids[torch.randperm(length - 1, generator=generator)[:count]] = IMAGE
        made.append(ids)
    return made


def pictures(count: int) -> Tensor:
    return torch.randn(count, 3, 56, 56, generator=torch.Generator().manual_seed(4))


def padded(own: list[Tensor]) -> dict[str, Tensor]:
    """A batch, padded on the left."""
    width = max(len(ids) for ids in own)
    batch = torch.stack([torch.cat([torch.zeros(width - len(ids), dtype=torch.long), ids]) for ids in own])
    mask = torch.stack([(torch.arange(width) >= width - len(ids)).long() for ids in own])
    return {"input_ids": batch, "attention_mask": mask}


def alone(own: list[Tensor]) -> list[dict[str, Any]]:
    """Each row by itself, with its pictures."""
    left, made = pictures(sum(int((ids == IMAGE).sum()) for ids in own)), []
    for ids in own:
        count = int((ids == IMAGE).sum())
        made.append({"input_ids": ids[None], "pixel_values": left[:count] if count else None})
        left = left[count:]
    return made


MIXED = ((9, 0), (12, 1), (7, 2), (30, 1))
"""Text alone, one picture, two in a row, and one in a row as long as the merged others."""


@torch.no_grad()
def test_a_padded_batch_gives_what_each_row_gives(model: Model) -> None:
    own = rows(*MIXED)
    batch = model(**padded(own), pixel_values=pictures(4)).logits
    for row, inputs in enumerate(alone(own)):
        expected = model(**inputs).logits[0]
        assert largest(batch[row, -len(expected) :], expected) <= FLOAT


@torch.no_grad()
def test_sdpa_and_eager_agree() -> None:
    """Pictures, padding, and rows on either side of seq_length."""
    inputs = {**padded(rows((150, 1), (60, 1), (20, 0))), "pixel_values": pictures(2)}
    one, other = (golden.model(faithful=False, attention=name)(**inputs) for name in ("sdpa", "eager"))
    mask = one.attention_mask
    assert largest(unmasked(one.logits, mask, 1), unmasked(other.logits, mask, 1)) <= FLOAT


@torch.no_grad()
def test_a_long_padded_batch_gives_what_each_row_gives(model: Model) -> None:
    """The rows lie in different zones of dynamic NTK."""
    own = rows((150, 1), (60, 1), (20, 0))
    batch = model(**padded(own), pixel_values=pictures(2)).logits
    for row, inputs in enumerate(alone(own)):
        expected = model(**inputs).logits[0]
        assert largest(batch[row, -len(expected) :], expected) <= FLOAT


@torch.no_grad()
@pytest.mark.parametrize("chunk", [1, 7, 37, 100])
def test_cached_and_whole_agree(model: Model, chunk: int) -> None:
    """Through 1, 2 and 4 times seq_length; in chunks of any size."""
    ids = torch.randint(1, 400, (1, 200), generator=torch.Generator().manual_seed(5))
    whole = model(input_ids=ids).logits
    cache = DynamicCache()
    made = [model(input_ids=piece, past_key_values=cache, use_cache=True).logits for piece in ids.split(chunk, dim=1)]
    assert largest(torch.cat(made, dim=1), whole) <= FLOAT
    cache.crop(-50)  # what was turned for a longer sequence did not reach the cache
    again = model(input_ids=ids[:, 150:], past_key_values=cache, use_cache=True).logits
    assert largest(again, whole[:, 150:]) <= FLOAT


@torch.no_grad()
def test_a_padded_batch_is_decoded_as_each_row(model: Model) -> None:
    """Across seq_length, with pictures."""
    own = rows((40, 1), (58, 0), (20, 2))
    options: dict[str, Any] = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    inputs = {**padded(own), "pixel_values": pictures(3)}
    batch = model.generate(**inputs, **options)[:, inputs["input_ids"].shape[1] :]
    uncached = model.generate(**inputs, **options, use_cache=False)[:, inputs["input_ids"].shape[1] :]
    assert torch.equal(batch, uncached)
    for row, one in enumerate(alone(own)):
        assert torch.equal(model.generate(**one, **options)[0, len(own[row]) :], batch[row])


@torch.no_grad()
@pytest.mark.parametrize("options", [{"num_beams": 3}, {"num_beams": 3, "num_return_sequences": 2}])
def test_beams(model: Model, options: dict[str, int]) -> None:
    """The pictures of a row stay together, however many beams there are."""
    own = rows((12, 1), (7, 2), (9, 0))
    given: dict[str, Any] = {**options, "max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    inputs = {**padded(own), "pixel_values": pictures(3)}
    batch = model.generate(**inputs, **given)[:, inputs["input_ids"].shape[1] :]
    count = options.get("num_return_sequences", 1)
    for row, one in enumerate(alone(own)):
        expected = model.generate(**one, **given)[:, len(own[row]) :]
        assert torch.equal(batch[row * count : (row + 1) * count], expected)


@torch.no_grad()
def test_sampling_follows_the_seed(model: Model) -> None:
    inputs = alone(rows((12, 1)))[0]
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(model.generate(**inputs, max_new_tokens=12, do_sample=True, pad_token_id=0))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@torch.no_grad()
@pytest.mark.parametrize("level", [{}, {"stats": True}, {"values": "*"}])
def test_recording_changes_no_bit(model: Model, level: dict[str, Any]) -> None:
    inputs = {**padded(rows(*MIXED)), "pixel_values": pictures(4), "use_cache": True}
    bare = model(**inputs)
    with inspector.capture(model, **level):
        watched = model(**inputs)
    assert torch.equal(bare.logits, watched.logits)
    for mine, theirs in zip(bare.past_key_values.layers, watched.past_key_values.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@torch.no_grad()
@pytest.mark.parametrize("faithful", [False, True])
def test_shapes_alone_give_the_same_integers(faithful: bool) -> None:
    config = golden.config()
    config.text_config.faithful = faithful
    with shape_only(), torch.device("meta"):
        bare = Model._from_config(config).eval()
    real = golden.model(faithful=faithful)
    own = rows((70, 1), (40, 1))
    inputs = {**padded(own), "pixel_values": pictures(2), "use_cache": True}
    output, seen = record(real, nullcontext(), **inputs)
    with shape_only(bare) as mode:
        bare_output, shapes = record(bare, nullcontext(), **inputs)
    assert_same_integers(seen, shapes)
    assert bare_output.logits.is_meta
    assert bare_output.logits.shape == output.logits.shape
    assert not mode.notices


def test_saved_and_loaded_whole(tmp_path: Path) -> None:
    """Every weight, and whatever else the model computes with: nothing is left to initialisation."""
    clip_qwen.register()
    built = golden.model(faithful=False)
    built.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).model_type == "clip_qwen"
    loaded, report = AutoModelForImageTextToText.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert isinstance(loaded, Model)
    state = loaded.state_dict()
    assert state.keys() == built.state_dict().keys()
    assert all(torch.equal(weight, state[name]) for name, weight in built.state_dict().items())
    buffers = dict(loaded.named_buffers())
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in built.named_buffers())
    ids = torch.randint(1, 400, (1, 100), generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        assert torch.equal(loaded(input_ids=ids).logits, built(input_ids=ids).logits)


def test_the_decoder_alone(tmp_path: Path) -> None:
    clip_qwen.register()
    decoder = golden.model(faithful=False).language_model
    decoder.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert isinstance(loaded, QwenForCausalLM)
    assert loaded.config.model_type == "qwen"
    assert all(torch.equal(weight, loaded.state_dict()[name]) for name, weight in decoder.state_dict().items())


def test_random_weights_begin_as_the_original_begins() -> None:
    torch.manual_seed(0)
    decoder = QwenForCausalLM(QwenConfig(hidden_size=256, kv_channels=64, num_attention_heads=4, num_hidden_layers=8))
    block = decoder.transformer.h[3]
    assert block.attn.c_attn.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.attn.c_proj.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert block.mlp.c_proj.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)


@torch.no_grad()
def test_training_gives_a_loss_and_gradients() -> None:
    model = golden.model(faithful=False).train()
    inputs = alone(rows((12, 1)))[0]
    labels = torch.randint(0, 400, (1, 12 - 1 + PATCHES))
    with torch.enable_grad():
        output = model(**inputs, labels=labels)
        output.loss.backward()
    assert output.loss.item() > 0
    assert model.multi_modal_projector.linear_1.weight.grad.abs().sum() > 0
    assert torch.equal(output.logits, model(**inputs).logits)  # neither mode nor labels change them


def test_configuration() -> None:
    assert ClipQwenConfig().image_seq_length == 256
    assert QwenConfig(rotary_pct=0.5).rotary_dim == 64
    with pytest.raises(ValueError, match="image_seq_length is 576, and the vision tower makes 256 features"):
        ClipQwenConfig(image_seq_length=576)
