"""A hand-built trace with positions, windows and masks: integers alone, as a shape-only run of a tiny model keeps them.

placed_trace()                        twelve tokens, four of them those of a picture of 4×4 patches
placed_trace(steps=3)                 and two decoding steps behind them
placed_trace(types=False)             mm_token_type_ids left out, so that the picture counts on like text
placed_trace(delta=-7, steps=2)       a rope delta that another conversation left
placed_trace(padding=[[...], ...])    a batch, by its padding mask
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from inspector.analysis.layout import Layout
from inspector.trace import Media, Module, TensorInfo, Token, Trace, Value
from tests.building import Builder, info
from tests.traces import TOKENS, model_info

LENGTH, LAYERS, BLOCKS, PATCHES = len(TOKENS), 3, 2, 16
IMAGE = 151655
DELTA = -2
"""The largest position is 9, and there are 12 tokens."""

SECTIONS = (1, 1, 2)
CONFIG = {
    "image_token_id": IMAGE,
    "text_config": {
        "hidden_size": 16,
        "num_attention_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": list(SECTIONS)},
    },
}
LAYOUT = Layout(patch=14, temporal=2, merge=2, window=28, full_blocks=(1,), tokens_per_second=2.0)


class Placed(Builder):
    """Adds kept integers to the calls."""

    def kept(self, name: str, tensor: Tensor) -> TensorInfo:
        self.values[name] = tensor
        return replace(info(*tensor.shape, dtype=str(tensor.dtype).removeprefix("torch.")), value=name)


def placed_trace(
    *,
    steps: int = 1,
    types: bool = True,
    delta: int = DELTA,
    padding: Sequence[Sequence[int]] = ((1,) * LENGTH,),
    mask: Tensor | None = None,
    file: str = "bus.jpg",
) -> Trace:
    """`mask` bool [1, 1, 12, 12] is what the kernels of the decoder get; without one they are told is_causal."""
    built = Placed()
    for step in range(steps):
        _forward(built, step, types=types, delta=delta, padding=torch.tensor(padding), mask=mask)
    positions = [line.tolist() for line in built.values["0/positions"].permute(1, 2, 0)]
    rows = [[_token(index, place) for index, place in enumerate(map(tuple, line))] for line in positions]
    inv_freq = [10000 ** (-pair / 4) for pair in range(4)]
    rotary = {"path": "language_model.rotary", "layer_type": "", "inv_freq": inv_freq, "scaling": 1.0}
    return Trace(
        model_info(shape_only=True, device="meta"),
        modules=_modules(),
        calls=built.calls,
        tokens=rows,
        texts=["".join(fields[1] for fields in TOKENS)] * len(rows),
        media=[Media("image", file, 640, 480)],
        values=built.values,
        config=CONFIG,
        facts={"vision": LAYOUT.to_json(), "rotary": [rotary]},
    )


def _token(index: int, place: tuple[int, ...]) -> Token:
    number, text, kind, _ = TOKENS[index]
    return Token(index, number, text, kind, place)  # type: ignore[arg-type]


def _modules() -> list[Module]:
    roles = {
        "": None,
        "model": "multimodal_model",
        "visual": "vision_tower",
        "visual.rotary": "rotary",
        **{f"visual.blocks.{number}": "vision_block" for number in range(BLOCKS)},
        "language_model": "decoder",
        "language_model.rotary": "rotary",
        **{f"language_model.layers.{number}.self_attn": "attention" for number in range(LAYERS)},
    }
    return [Module(path, "Tiny", role, 0, 0) for path, role in roles.items()]


def _forward(built: Placed, step: int, *, types: bool, delta: int, padding: Tensor, mask: Tensor | None) -> None:
    rows = len(padding)
    ids = torch.tensor([[fields[0] for fields in TOKENS]] * rows) if step == 0 else torch.full((rows, 1), 58)
    whole = torch.cat([padding, torch.ones(rows, step, dtype=torch.long)], 1)
    given: dict[str, Value] = {
        "input.input_ids": built.kept(f"{step}/ids", ids),
        "input.attention_mask": built.kept(f"{step}/mask", whole),
    }
    if step:
        given["input.past_key_values"] = f"DynamicCache(length={LENGTH + step - 1})"
    else:
        given["input.image_grid_thw"] = built.kept("grid", torch.tensor([[1, 4, 4]]))
    typed = built.kept(f"{step}/types", (ids == IMAGE).long()) if types and not step else None
    if typed is not None:
        given["input.mm_token_type_ids"] = typed
    held = built.kept("delta", torch.tensor([[delta]] * rows))
    with built.inside(built.add("", "TinyVLForConditionalGeneration", step=step, inputs=given)):
        inner: dict[str, Value] = {"input.mm_token_type_ids": typed}
        inner |= {"before.rope_deltas": held} if step else {}
        with built.inside(
            built.add(
                "model", "TinyVL", "multimodal_model", step=step, inputs=inner, outputs={"after.rope_deltas": held}
            )
        ):
            if step == 0:
                _vision(built)
            positions = (
                _positions(padding, types=types) if step == 0 else torch.full((3, rows, 1), LENGTH + step - 1 + delta)
            )
            _decoder(built, step, built.kept(f"{step}/positions", positions), whole, mask if step == 0 else None)


def _positions(padding: Tensor, *, types: bool) -> Tensor:
    """[3, rows, 12]: padding at 1, as transformers puts it."""
    places = torch.tensor([fields[3] if types else (index,) * 3 for index, fields in enumerate(TOKENS)])
    found = torch.ones(3, len(padding), LENGTH, dtype=torch.long)
    for row, line in enumerate(padding.bool()):
        first = int(line.nonzero()[0])
        found[:, row, line] = (
            places[: int(line.sum())] if first == 0 else torch.arange(int(line.sum()))[:, None].expand(-1, 3)
        ).T
    return found


def _vision(built: Placed) -> None:
    places = [
        (2 * (block // 2) + inside // 2, 2 * (block % 2) + inside % 2) for block in range(4) for inside in range(4)
    ]
    given: dict[str, Value] = {"input.hidden_states": info(PATCHES, 1176), "input.grid_thw": info(1, 3, dtype="int64")}
    given["input.grid_thw"] = built.kept("grid", torch.tensor([[1, 4, 4]]))
    outputs = {"output.pooler_output": info(4, 16)}
    with built.inside(built.add("visual", "TinyVision", "vision_tower", inputs=given, outputs=outputs)):
        turned = {"input.position_ids": built.kept("patches", torch.tensor(places))}
        built.add("visual.rotary", "Rotary", "rotary", inputs=turned)
        for number in range(BLOCKS):
            lengths = torch.tensor([0, 16] if number == 1 else [0, 4, 8, 12, 16])
            cut = {"input.cu_seqlens": built.kept(f"lengths {number}", lengths)}
            with built.inside(built.add(f"visual.blocks.{number}", "Block", "vision_block", inputs=cut)):
                sizes = lengths.diff()[:, None].expand(-1, 2).contiguous()
                kernel = _kernel(PATCHES, PATCHES, is_causal=False)
                kernel |= {"attention.lengths": built.kept(f"sizes {number}", sizes)} if number == 0 else {}
                built.add(f"visual.blocks.{number}.attn", "Attention", "attention", inputs=kernel)


def _decoder(built: Placed, step: int, positions: TensorInfo, padding: Tensor, mask: Tensor | None) -> None:
    queries, keys = positions.shape[-1], padding.shape[1]
    given = {"input.position_ids": positions}
    with built.inside(built.add("language_model", "TinyText", "decoder", step=step, inputs=given)):
        built.add("language_model.rotary", "Rotary", "rotary", step=step, inputs=given)
        for layer in range(LAYERS):
            kernel = _kernel(queries, keys, rows=len(padding), is_causal=mask is None)
            if mask is not None or not padding.all():
                seen = (
                    torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries) & padding.bool()[:, None, None, :]
                )
                kernel["attention.mask"] = built.kept(f"{step}/seen", seen if mask is None else mask)
            built.add(f"language_model.layers.{layer}.self_attn", "Attention", "attention", step=step, inputs=kernel)


def _kernel(queries: int, keys: int, *, rows: int = 1, is_causal: bool) -> dict[str, Value]:
    return {
        "attention.query": info(rows, 2, queries, 8),
        "attention.key": info(rows, 1, keys, 8),
        "attention.value": info(rows, 1, keys, 8),
        "attention.kernel": "sdpa",
        "attention.is_causal": is_causal,
        "attention.mask": None,
    }
