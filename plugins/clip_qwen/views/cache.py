"""The key-value cache of the Qwen decoder: its layout, and its quantised form with scale and zero."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from inspector import Column, Heatmap, Part, Table, TensorInfo, Text, Trace, View

from ..reading import Forward, chosen, forwards, kept, number, text_config  # noqa: TID252 - the package has another name here

if TYPE_CHECKING:
    from torch import Tensor

PORT = re.compile(r"output\.past_key_values\.layers\[(\d+)\]\.(\w+)")
LAYERS = (
    Column("layers", "right"),
    Column("part"),
    Column("held"),
    Column("as [batch, seq, heads, dim]"),
    Column("bytes", "right", "bytes"),
    Column("bytes a token", "right", "bytes"),
)
SCALES = (
    Column("token", "right"),
    Column("key scale", "right"),
    Column("key zero", "right"),
    Column("value scale", "right"),
    Column("value zero", "right"),
)


def show(trace: Trace, *, layer: str = "", row: str = "", head: str = "", step: str = "") -> Sequence[Part]:
    forward = chosen(trace, step) if step else _last(trace)
    layers = sorted({found for found, _, _ in _tensors(forward)})
    if not layers:
        return [Text("Cache", "This forward kept no keys and values: it ran without a cache.")]
    parts: list[Part] = [_layers(forward)]
    chosen_layer = number("layer", layer, len(layers))
    heads = int(text_config(trace).get("num_key_value_heads", text_config(trace).get("num_attention_heads", 1)))
    place = (number("row", row, forward.batch), number("head", head, heads))
    if _value(forward, chosen_layer, "key_scale") is not None:
        parts.append(_scales(forward, chosen_layer, place))
    for name in ("keys", "values"):
        states = _value(forward, chosen_layer, name)
        if states is not None:
            numbers = states[place].float().tolist()
            title = f"{name} of layer {chosen_layer}, row {place[0]}, head {place[1]}"
            parts.append(Heatmap(title, numbers, "token", "dimension"))
    return parts


def _tensors(forward: Forward) -> Iterator[tuple[int, str, TensorInfo]]:
    """Layer, name and tensor of everything that the cache held when the forward ended."""
    for port, info in forward.root.outputs.items():
        match = PORT.fullmatch(port)
        if match is not None and isinstance(info, TensorInfo):
            yield int(match[1]), match[2], info


def _layers(forward: Forward) -> Table:
    """A line for each tensor that a layer holds; layers that hold the same share their lines."""
    held: dict[int, list[tuple[str, TensorInfo]]] = {}
    for layer, name, info in _tensors(forward):
        held.setdefault(layer, []).append((name, info))
    rows = []
    for _, alike in groupby(held, key=lambda layer: [(name, info.shape, info.dtype) for name, info in held[layer]]):
        layers = list(alike)
        which = f"{layers[0]} … {layers[-1]}" if len(layers) > 1 else str(layers[0])
        for name, info in held[layers[0]]:
            batch, heads, tokens, dim = info.shape
            layout = f"[{batch},{tokens},{heads},{dim}]"
            rows.append((which, name, str(info), layout, info.nbytes, info.nbytes // max(tokens, 1)))
    return Table(f"Cache after step {forward.step}", LAYERS, rows, _note(forward))


def _note(forward: Forward) -> str:
    found = list(_tensors(forward))
    alpha = " under alpha 1" if "seq_length" in text_config(forward.trace) else ""
    note = (
        f"{sum(info.nbytes for _, _, info in found):,} bytes in all. transformers holds [batch, heads, seq, dim], "
        f"the original [batch, seq, heads, dim]. Keys are kept as they are after rotation{alpha}."
    )
    if any(name.endswith("_scale") for _, name, _ in found):
        note += (
            " Each call quantises its new tokens together: one scale and one zero for a row and head, repeated for "
            "every token; a value is scale · (q - zero)."
        )
    return note


def _scales(forward: Forward, layer: int, place: tuple[int, int]) -> Table:
    names = ("key_scale", "key_zero", "value_scale", "value_zero")
    found = [_value(forward, layer, name) for name in names]
    columns = [[] if part is None else part[place].flatten().tolist() for part in found]
    rows = [(token, *numbers) for token, numbers in enumerate(zip(*columns, strict=True))]
    return Table(f"Scale and zero of layer {layer}, row {place[0]}, head {place[1]}", SCALES, rows)


def _value(forward: Forward, layer: int, name: str) -> Tensor | None:
    return kept(forward.trace, forward.root, f"output.past_key_values.layers[{layer}].{name}")


def _last(trace: Trace) -> Forward:
    every = forwards(trace)
    return every[-1] if every else chosen(trace, "")


VIEW = View(
    "kv-cache",
    "Keys and values in the cache: shapes in both layouts, bytes, and the quantised form with its scale and zero",
    show,
    {
        "layer": "The layer whose keys and values are drawn.",
        "row": "The row of the batch.",
        "head": "The head.",
        "step": "The forward, counted from 0; the last one where it is not given.",
    },
    values=(":output.past_key_values*",),
)
