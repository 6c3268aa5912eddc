"""A hand-built trace with queries and keys: four by four image tokens between words, two layers of four heads.

No model made its numbers: a query looks at what lies near an angle of its own, more sharply the higher the head.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from inspector.trace import Call, MemoryValues, Module, TensorInfo, Token, Trace, Value
from tests.traces import model_info

WORDS = ("<|im_start|>", "user", "\n", *["<|image_pad|>"] * 16, "What", " is", " red", " in", " it", "?", "\n")
HEADS, KEY_HEADS, FEATURES, LAYERS = 4, 2, 2, 2


def attention_trace() -> Trace:
    values = MemoryValues()
    ids = [151_655 if word == "<|image_pad|>" else 100 + place for place, word in enumerate(WORDS)]
    values["ids"] = torch.tensor([ids])
    given: dict[str, Value] = {"input.input_ids": _info(values["ids"], "ids")}
    calls = [Call(0, 0, None, 0, "", "TinyVLForConditionalGeneration", None, given, {}, 0.01)]
    modules = [Module("", "TinyVLForConditionalGeneration", None, 0, 0)]
    for layer in range(LAYERS):
        path = f"model.layers.{layer}.self_attn"
        modules.append(Module(path, "Attention", "attention", 0, 0))
        ports = _ports(layer, values)
        calls.append(Call(layer + 1, 0, 0, 1, path, "Attention", "attention", ports, {}, 0.001))
    kinds = {"<|image_pad|>": "image", "<|im_start|>": "special"}
    line = [
        Token(place, number, word, kinds.get(word, "text"), (place,))  # type: ignore[arg-type]
        for place, (number, word) in enumerate(zip(ids, WORDS, strict=True))
    ]
    return Trace(model_info(), modules=modules, calls=calls, tokens=[line], values=values)


def _ports(layer: int, values: MemoryValues) -> dict[str, Value]:
    turn = torch.arange(len(WORDS)) * math.pi / len(WORDS)
    key = torch.stack([_directions(turn * (group + 1)) for group in range(KEY_HEADS)])[None]
    query = torch.stack([4 * (head + 1) * _directions(turn / (layer + 1) + head) for head in range(HEADS)])[None]
    found: dict[str, Value] = {"attention.kernel": "sdpa", "attention.mask": None, "attention.is_causal": True}
    found["attention.scaling"] = 0.5
    for name, tensor in (("query", query), ("key", key)):
        values[f"{layer}/{name}"] = tensor
        found[f"attention.{name}"] = _info(tensor, f"{layer}/{name}")
    return found


def _directions(angles: Tensor) -> Tensor:
    """f32 [tokens, 2]."""
    return torch.stack([angles.cos(), angles.sin()], -1)


def _info(tensor: Tensor, value: str) -> TensorInfo:
    return TensorInfo(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), "cpu", value=value)
