"""Runs of tiny real models whose attention is known: a prefill and decoding steps, with what eager attention computed.

Every kind of mask that models use is here: causal, sliding windows, chunks, padding, pictures seen both ways, vision
windows, sinks and soft caps.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

import inspector
from inspector import Trace
from inspector.analysis.spans import Bools, Spans
from tests.fakes import HEADS_OF_8, IMAGE, MROPE, QWEN_IDS, TEXT, tiny_config, tiny_inputs

WINDOW = 6
STEPS = 4
KEPT = ("*:attention.*",)

CHANGED: dict[str, tuple[str, dict[str, Any]]] = {
    # name: transformers' model type, what its configuration says
    "qwen2": ("qwen2", TEXT),
    "gemma3_sliding": ("gemma3_text", {**HEADS_OF_8, "sliding_window": WINDOW, "num_hidden_layers": 3}),
    "llama4_chunks": (
        "llama4_text",
        {
            **HEADS_OF_8,
            "attention_chunk_size": WINDOW,
            "num_hidden_layers": 4,
            "num_local_experts": 2,
            "intermediate_size_mlp": 48,
        },
    ),
    "gpt_oss": (
        "gpt_oss",
        {**HEADS_OF_8, "sliding_window": WINDOW, "num_local_experts": 2, "num_experts_per_tok": 1},
    ),
    "inkling2": (
        "inkling2_text",
        {
            **HEADS_OF_8,
            "sliding_window": WINDOW,
            "num_hidden_layers": 2,
            "num_local_experts": 2,
            "num_experts": 4,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
        },
    ),
    "qwen3_next": (
        "qwen3_next",
        {
            **HEADS_OF_8,
            "num_hidden_layers": 4,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
        },
    ),
    "minimax": (
        "minimax",
        {**HEADS_OF_8, "num_hidden_layers": 4, "num_local_experts": 2, "num_experts_per_tok": 2},
    ),
    "diffllama": ("diffllama", HEADS_OF_8),
    "gemma2_softcap": ("gemma2", {**HEADS_OF_8, "sliding_window": WINDOW, "attn_logit_softcapping": 2.0}),
    "qwen3_vl": (
        "qwen3_vl",
        {
            "text_config": {
                **MROPE,
                "head_dim": 16,
                "rope_parameters": {**MROPE["rope_parameters"], "mrope_interleaved": True},
            },
            "vision_config": {
                "depth": 2,
                "hidden_size": 32,
                "num_heads": 2,
                "intermediate_size": 48,
                "out_hidden_size": 32,
                "deepstack_visual_indexes": [0],
                "patch_size": 14,
            },
            **QWEN_IDS,
        },
    ),
}
EAGER_ALONE = ("gpt_oss", "inkling2", "gemma2_softcap")
"""Models that transformers runs with eager attention only."""

TEXTS = ("qwen2", "gpt2", "gemma3_sliding", "llama4_chunks", "diffllama", *EAGER_ALONE)
PICTURES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "gemma3")
GRIDS = {"one": [(1, 10, 6)], "three": [(1, 4, 6), (1, 10, 8), (1, 6, 2)]}
"""Pictures of odd sizes, as frames, rows and columns of patches."""


def config(name: str) -> Any:
    from transformers import AutoConfig

    if name not in CHANGED:
        return tiny_config(name)
    kind, settings = CHANGED[name]
    return AutoConfig.for_model(kind, **settings)


@cache
def model(name: str, attention: str = "sdpa", dtype: torch.dtype = torch.float32) -> Any:
    """The same random weights whatever the attention."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    auto = AutoModelForImageTextToText if hasattr(config(name), "vision_config") else AutoModelForCausalLM
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return auto.from_config(config(name), attn_implementation=attention, dtype=dtype).eval()


def text(batch: bool = False) -> dict[str, Tensor]:
    """Seventeen tokens; in a batch the first of two rows has five of padding on the left."""
    ids = torch.randint(0, 200, (2 if batch else 1, 17), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    if batch:
        mask[0, :5] = 0
    return {"input_ids": ids, "attention_mask": mask}


def pictures(name: str, grids: str = "one", batch: bool = False) -> dict[str, Tensor]:
    """Pictures between a little text; in a batch, a row of text alone with padding beside them."""
    if name == "gemma3":
        return tiny_inputs(name, batch=batch)
    ids = [1, 2]
    for _, rows, columns in GRIDS[grids]:
        ids += [259, *[IMAGE] * (rows * columns // 4), 260, 3]
    mask = torch.ones(1, len(ids), dtype=torch.long)
    rows_of = [ids]
    if batch:
        rows_of.append([0] * (len(ids) - 4) + [1, 2, 3, 4])
        mask = torch.cat([mask, mask])
        mask[1, :-4] = 0
    all_ids = torch.tensor(rows_of)
    patches = sum(frames * rows * columns for frames, rows, columns in GRIDS[grids])
    pixels = torch.randn(patches, 3 * 2 * 14 * 14, generator=torch.Generator().manual_seed(1))
    return {
        "input_ids": all_ids,
        "attention_mask": mask,
        "mm_token_type_ids": (all_ids == IMAGE).long(),
        "pixel_values": pixels,
        "image_grid_thw": torch.tensor(GRIDS[grids]),
    }


def forwards(subject: Any, given: Mapping[str, Tensor], steps: int = STEPS, cache: Any = None) -> Any:
    """A prefill and further forwards of one token each, the same ones whatever the model says. Returns the cache."""
    cast = {name: item.to(subject.dtype) if item.is_floating_point() else item for name, item in given.items()}
    out = subject(**cast, use_cache=True, **({} if cache is None else {"past_key_values": cache}))
    mask = given["attention_mask"]
    for step in range(1, steps):
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        token = torch.full((mask.shape[0], 1), 40 + step)
        places: dict[str, Tensor] = {}
        if hasattr(subject.base_model, "rope_deltas"):  # with a mask, such a model wants to be told
            places["position_ids"] = torch.full((3, *token.shape), mask.shape[1])
        out = subject(
            input_ids=token, attention_mask=mask, past_key_values=out.past_key_values, use_cache=True, **places
        )
    return out.past_key_values


@torch.no_grad()
def recorded(subject: Any, *runs: Mapping[str, Tensor], steps: int = STEPS, **options: Any) -> Trace:
    """A trace of runs one after the other, each with a cache of its own."""
    with inspector.capture(subject, **{"values": KEPT, **options}) as trace:
        for given in runs:
            forwards(subject, given, steps)
    return trace


@dataclass
class Eager:
    """What eager attention computed: of each module, the weights [batch, heads, queries, keys] of its kernel calls."""

    weights: dict[str, list[Tensor]] = field(default_factory=dict)


@torch.no_grad()
def eager(subject: Any, *runs: Mapping[str, Tensor], steps: int = STEPS) -> Eager:
    """Run a model with eager attention and keep all of its weights."""
    found, paths = Eager(), {id(module): path for path, module in subject.named_modules()}
    with pytest.MonkeyPatch.context() as patch:
        for code in {type(module).__module__ for module in subject.modules()}:
            original = getattr(sys.modules[code], "eager_attention_forward", None)
            if original is None:
                continue

            def watched(module: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
                result = _original(module, *args, **kwargs)
                found.weights.setdefault(paths[id(module)], []).append(result[1].clone())
                return result

            patch.setattr(sys.modules[code], "eager_attention_forward", watched)
        for given in runs:
            forwards(subject, given, steps)
    return found


def dense(found: Spans | None) -> Bools:
    """A mask written out, bool [queries, keys]."""
    assert found is not None
    return found.part(range(found.queries), range(found.keys))
