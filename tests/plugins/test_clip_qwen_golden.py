"""Every recorded case of the original, step by step: each tensor of its files, and what is told beside them."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

import pytest
import torch
from torch import Tensor

import inspector
from inspector import Trace
from inspector_plugins.clip_qwen.cache import QwenQuantizedLayer
from inspector_plugins.clip_qwen.rotary import rotate
from tests.plugins import golden
from tests.plugins.golden import FLOAT, QUANTISED, largest, unmasked

DECODER = "language_model.transformer"


class Replay:
    """A case run again, step by step, and recorded."""

    def __init__(self, name: str) -> None:
        self.facts = golden.facts("cases.json")[name]
        self.expected = golden.tensors(f"cases/case_{name}.safetensors")
        self.quantised = self.facts["cache_quantization"]
        self.tolerance = QUANTISED if self.quantised else FLOAT
        attention = "eager" if self.facts["legacy_attention_path"] else "sdpa"
        self.model = golden.model(attention=attention, quantised=self.quantised)
        self.steps = self.facts["steps"]
        self.cache: Any = None
        with inspector.capture(self.model, values="*") as self.trace, torch.no_grad():
            for step in range(len(self.steps)):
                self._run(step)

    def _run(self, step: int) -> None:
        use_cache = self.facts.get("use_cache", True)
        pictures = (
            self.expected.get("pixel_values") if self.steps[step]["images_passed"] and self.cache is None else None
        )
        output = self.model(
            input_ids=self.expected[f"step{step}.input_ids"],
            pixel_values=pictures,
            attention_mask=self.mask(step),
            past_key_values=self.cache,
            use_cache=use_cache,
        )
        self.cache = output.past_key_values

    def mask(self, step: int) -> Tensor | None:
        return self.expected.get(f"step{step}.attention_mask_in")

    def value(self, step: int, path: str, port: str = "output") -> Tensor:
        """What stood at a port in a step."""
        call = next(call for call in self.trace.find(path) if call.step == step)
        return Trace.value(self.trace, call, port)

    def mine(self, key: str) -> tuple[Tensor, Tensor | None, int]:
        """What belongs to a key of the recording: the tensor, the mask of its rows, and the axis of its tokens."""
        if key.startswith("kv_last."):
            return self._cached(key)
        if not key.startswith("step"):
            return (*self._picture(key), None, 1)
        step, _, name = key.partition(".")
        number = int(step.removeprefix("step"))
        block = re.fullmatch(r"block(\d+)\.(\w+)", name)
        if block is not None:
            found, axis = self._block(number, f"{DECODER}.h.{block[1]}", block[2])
        else:
            found, axis = self._step(number, name)
        mask = self.mask(number) if axis else None
        return found, None if mask is None else mask[:, -found.shape[axis] :], axis

    def _picture(self, key: str) -> tuple[Tensor]:
        layer = re.fullmatch(r"vision\.layer(\d+)\.out", key)
        places = {
            "vision.embeddings": ("vision_tower.embeddings", "output"),
            "vision.pre_layrnorm": ("vision_tower.pre_layrnorm", "output"),
            "vision.last_hidden_state": ("vision_tower", "output.last_hidden_state"),
            "image_features_before_proj": ("multi_modal_projector", "input.image_features"),
            "image_features_after_proj": ("multi_modal_projector", "output"),
        }
        path, port = (f"vision_tower.encoder.layers.{layer[1]}", "output") if layer else places[key]
        return (self.value(0, path, port),)

    def _step(self, step: int, name: str) -> tuple[Tensor, int]:
        """Axis 0 stands for tensors that have no rows to leave out."""
        rotary = f"{DECODER}.rotary_emb"
        if name == "input_ids_after_removal":
            columns, features = (self.value(step, "merge", f"output.{port}") for port in ("columns", "features"))
            ids = self.expected[f"step{step}.input_ids"].gather(1, columns)
            return ids[features < 0].view(len(ids), -1), 0
        if name == "attention_mask_additive":
            return self.value(step, f"{DECODER}.h.0.attn", "input.attention_mask")[:, :, -1:], 0
        if name == "logn_factors":
            return self.value(step, rotary, "output.logn")[0], 0
        if name == "rope_positions_effective":
            return self.value(step, rotary, "input.position_ids")[0], 0
        if name in ("rope_cos", "rope_sin"):
            return self.value(step, rotary, f"output.{name.removeprefix('rope_')}"), 0
        places = {
            "embeds": (f"{DECODER}.h.0", "input.hidden_states"),
            "ln_f": (f"{DECODER}.ln_f", "output"),
            "logits": ("language_model.lm_head", "output"),
        }
        return self.value(step, *places[name]), 1

    def _block(self, step: int, path: str, name: str) -> tuple[Tensor, int]:
        if name == "query":
            return self.value(step, f"{path}.attn", "attention.query"), 2
        if name == "attn_weights":
            return self.value(step, f"{path}.attn", "output[1]"), 2
        if name in ("key_prequant", "value_prequant"):
            fused = self.value(step, f"{path}.attn.c_attn")
            heads = self.model.config.text_config.num_attention_heads
            _, key, value = fused.view(*fused.shape[:2], 3, heads, -1).transpose(1, 3).unbind(2)
            cos, sin = (self.value(step, f"{DECODER}.rotary_emb", f"output.{port}") for port in ("cos", "sin"))
            return rotate(key, cos, sin) if name == "key_prequant" else value, 2
        places = {
            "ln_1": ("ln_1", "output"),
            "attn_out": ("attn", "output[0]"),
            "ln_2": ("ln_2", "output"),
            "mlp_out": ("mlp", "output"),
        }
        return (self.value(step, path) if name == "out" else self._inside(step, path, places[name])), 1

    def _inside(self, step: int, path: str, place: tuple[str, str]) -> Tensor:
        return self.value(step, f"{path}.{place[0]}", place[1])

    def _cached(self, key: str) -> tuple[Tensor, Tensor | None, int]:
        layer, _, name = key.removeprefix("kv_last.layer").partition(".")
        kept, mask = self.cache.layers[int(layer)], self.mask(len(self.steps) - 1)
        if not isinstance(kept, QwenQuantizedLayer):
            return getattr(kept, f"{name}s").transpose(1, 2), mask, 1
        what, _, part = name.partition("_")
        return getattr(kept, f"{what}s" if part == "q" else name), mask, 2


@pytest.fixture(scope="module", params=golden.case_names())
def replay(request: pytest.FixtureRequest) -> Replay:
    return Replay(request.param)


GIVEN = re.compile(r"prompt_ids|pixel_values|step\d+\.(input_ids|attention_mask_in)")
"""What a case was run with."""

ELSEWHERE = re.compile(r"step\d+\.position_ids_computed")
"""Compared with what the view `ntk` says (`test_clip_qwen_views`)."""


def test_every_tensor(replay: Replay) -> None:
    compared = 0
    for key, expected in replay.expected.items():
        if GIVEN.fullmatch(key) or ELSEWHERE.fullmatch(key):
            continue
        found, mask, axis = replay.mine(key)
        assert found.shape == expected.shape, key
        mine, theirs = unmasked(found, mask, axis), unmasked(expected, mask, axis)
        if key.endswith(("key_q", "value_q")):
            tolerance = 1.0
        elif key.endswith("_zero"):  # a quotient of two small numbers
            tolerance = float(theirs.abs().max()) * QUANTISED
        else:
            tolerance = replay.tolerance
        assert largest(mine, theirs) <= tolerance, key
        compared += 1
    assert compared > 5


def test_what_is_told_of_each_step(replay: Replay) -> None:
    layers = replay.model.config.text_config.num_hidden_layers
    for step, told in enumerate(replay.steps):
        rotary = next(call for call in replay.trace.find(f"{DECODER}.rotary_emb") if call.step == step)
        alphas = replay.trace.value(rotary, "output.alpha")[:, 0].tolist()
        assert alphas == told["ntk_alpha_list"]
        assert replay.trace.value(rotary, "input.key_position_ids").shape[1] == told["kv_seq_len"]
        assert [("output.logn" in rotary.outputs)] * layers == told["logn_applied"]
        if "image_index" in told:
            assert replay.value(step, "merge", "output.placeholders")[:, 1].tolist() == told["image_index"]
        logits = replay.value(step, "language_model.lm_head")
        assert list(replay.value(step, f"{DECODER}.h.0").shape[:2]) == told["input_shape"]
        sure = [gap > 2 * replay.tolerance for gap in told["top1_top2_gap"]]
        chosen = zip(logits[:, -1].argmax(-1).tolist(), told["greedy_next_token"], sure, strict=True)
        assert all(mine == theirs for mine, theirs, counts in chosen if counts)


def test_the_cache_has_the_recorded_sizes(replay: Replay) -> None:
    shapes = replay.steps[-1].get("kv_shapes")
    if shapes is None:
        assert replay.cache is None
    elif replay.quantised:
        layer = replay.cache.layers[0]
        parts = [(layer.keys, layer.key_scale, layer.key_zero), (layer.values, layer.value_scale, layer.value_zero)]
        assert [[list(part.shape) for part in state] for state in parts] == shapes
    else:
        states = (replay.cache.layers[0].keys, replay.cache.layers[0].values)
        assert [list(state.transpose(1, 2).shape) for state in states] == shapes


@torch.no_grad()
def test_generate_takes_the_same_tokens(replay: Replay) -> None:
    """Through transformers' own `generate`: one call in place of the original's steps, as far as it is sure which token
    is taken.
    """
    sure = list(takewhile(lambda told: min(told["top1_top2_gap"]) > 2 * replay.tolerance, replay.steps))
    prompt = replay.expected["prompt_ids"]
    made = replay.model.generate(
        input_ids=prompt,
        attention_mask=replay.mask(0),
        pixel_values=replay.expected.get("pixel_values"),
        max_new_tokens=len(sure),
        do_sample=False,
        use_cache=replay.facts.get("use_cache", True),
        pad_token_id=0,
    )
    tokens = [told["greedy_next_token"] for told in sure]
    assert tokens
    assert made[:, prompt.shape[1] :].tolist() == [list(row) for row in zip(*tokens, strict=True)]
    if "all_ids" in replay.facts:
        assert made.tolist() == [row[: made.shape[1]] for row in replay.facts["all_ids"]]
    else:
        new = made[0, prompt.shape[1] :].tolist()
        assert new == replay.facts["new_tokens_full"][: len(sure)]
        assert new[:-1] == replay.facts["returned_token_ids"][: len(sure) - 1]  # the original drops the last one


def is_sound(name: str) -> bool:
    """Whether the original is sound in a case: no longer than `seq_length`, beyond which it keeps its NTK factor or
    takes that of the whole length; and no padding in a quantised cache, where it counts in the scale of a row's keys.
    """
    told = golden.facts("cases.json")[name]
    padded = any("attention_mask" in key for key in golden.tensors(f"cases/case_{name}.safetensors"))
    longest = max(step["kv_seq_len"] for step in told["steps"])
    return longest <= golden.config().text_config.seq_length and not (told["cache_quantization"] and padded)


SOUND = [name for name in golden.case_names() if is_sound(name)]


@pytest.mark.parametrize("replay", SOUND, indirect=True)
@torch.no_grad()
def test_the_sound_way_gives_the_same_where_the_original_is_sound(replay: Replay) -> None:
    """Up to `seq_length` tokens, one placeholder a row and one token a step, nothing differs."""
    replay.model.faithful = False
    try:
        replay.cache = None
        for step in range(len(replay.steps)):
            with inspector.capture(replay.model, values="*lm_head") as trace:
                replay._run(step)
            found = trace.value(next(trace.find("language_model.lm_head")))
            mask = replay.mask(step)
            mask = None if mask is None else mask[:, -found.shape[1] :]
            expected = replay.expected[f"step{step}.logits"]
            assert largest(unmasked(found, mask, 1), unmasked(expected, mask, 1)) <= replay.tolerance
    finally:
        replay.model.faithful = True
