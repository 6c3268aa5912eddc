"""The rotary rows that were really applied, the NTK factor and base behind them, and log-n factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inspector import Column, Heatmap, Part, Table, Trace, View

from ..reading import Forward, chosen, forwards, kept, number, text_config  # noqa: TID252 - the package has another name here

if TYPE_CHECKING:
    from torch import Tensor

STEPS = (
    Column("step", "right"),
    Column("tokens", "right", "count"),
    Column("keys", "right", "count"),
    Column("rotary rows"),
    Column("NTK alpha"),
    Column("effective base"),
    Column("log-n"),
)
ROWS = (
    Column("index", "right"),
    Column("rotary row", "right"),
    Column("NTK alpha", "right"),
    Column("effective base", "right"),
    Column("log-n factor", "right"),
    Column("position id of the original, unused", "right"),
)


def show(trace: Trace, *, row: str = "", step: str = "") -> Sequence[Part]:
    every = forwards(trace)
    forward = chosen(trace, step)
    index = number("row", row, forward.batch)
    parts: list[Part] = [Table("Steps", STEPS, [_step(each) for each in every], _note(trace)), _rows(forward, index)]
    for name in ("cos", "sin"):
        table = _kept_rows(forward, name)
        if table is not None:
            values = table[index % len(table)].float().tolist()
            parts.append(Heatmap(f"{name}, rows as applied", values, "token", "dimension"))
    return parts


def alphas(forward: Forward) -> Tensor | None:
    """i64 [batch or 1, tokens]: the NTK factor of each query; None where there is no such thing."""
    return None if forward.rotary is None else kept(forward.trace, forward.rotary, "output.alpha")


def base_of(trace: Trace, alpha: int) -> float:
    """The base of the rotary frequencies under an NTK factor."""
    config = text_config(trace)
    base = float(config.get("rotary_emb_base") or (config.get("rope_parameters") or {}).get("rope_theta", 10000.0))
    dim = int(config.get("kv_channels", 0) * config.get("rotary_pct", 1.0))
    return base * float(alpha) ** (dim / (dim - 2)) if dim > 2 else base


def unused_positions(forward: Forward) -> list[int]:
    """The position ids that the original computes and uses for nothing.

    It takes the second axis from the end of a cached key for its length; that is the number of heads, except in the
    quantised cache.
    """
    config, tokens = text_config(forward.trace), forward.tokens or 0
    past = forward.past
    if past and not config.get("use_cache_quantization"):
        past = int(config.get("num_attention_heads", past))
    return list(range(past, past + tokens))


def logn_of(trace: Trace, positions: Tensor) -> Tensor:
    """The log-n factors at `positions`, worked out again from them."""
    from ..rotary import logn_factors  # noqa: TID252 - as above

    return logn_factors(positions, int(text_config(trace)["seq_length"]))


def _step(forward: Forward) -> tuple[Any, ...]:
    positions, found = forward.positions, alphas(forward)
    rows = "" if positions is None else f"{int(positions.min())} … {int(positions.max())}"
    factors = sorted(set(found.flatten().tolist())) if found is not None else []
    bases = ", ".join(f"{base_of(forward.trace, alpha):,.0f}" for alpha in factors or [1])
    scaled = ""
    if _has_logn(forward) and positions is not None:
        factor = logn_of(forward.trace, positions)
        scaled = f"up to {float(factor.max()):.4f}, on {int((factor > 1).sum())} of {factor.numel()}"
    return (
        forward.step,
        forward.tokens,
        forward.keys,
        rows,
        ", ".join(map(str, factors)) or "none",
        bases,
        scaled or "off",
    )


def _rows(forward: Forward, row: int) -> Table:
    positions, found = forward.positions, alphas(forward)
    if positions is None:
        return Table("Rows", ROWS, (), "The rotary positions of this forward were not kept.")
    places = positions[row % len(positions)]
    factors = [None] * len(places) if found is None else found[row % len(found)].tolist()
    has_logn = _has_logn(forward)
    scaled = logn_of(forward.trace, places).tolist() if has_logn else [None] * len(places)
    unused = unused_positions(forward) if found is not None else [None] * len(places)
    rows = [
        (index, place, alpha, base_of(forward.trace, alpha or 1), factor, computed)
        for index, (place, alpha, factor, computed) in enumerate(
            zip(places.tolist(), factors, scaled, unused, strict=True)
        )
    ]
    return Table(f"Row {row} of step {forward.step}", ROWS, rows)


def _kept_rows(forward: Forward, name: str) -> Tensor | None:
    if forward.rotary is None:
        return None
    port = {"cos": "output[0]", "sin": "output[1]"}[name]
    found = kept(forward.trace, forward.rotary, f"output.{name}")
    return kept(forward.trace, forward.rotary, port) if found is None else found


def _has_logn(forward: Forward) -> bool:
    return forward.rotary is not None and "output.logn" in forward.rotary.outputs


def _note(trace: Trace) -> str:
    config = text_config(trace)
    if "seq_length" not in config:
        return "This decoder has neither dynamic NTK nor log-n scaling: queries and keys are rotated by position alone."
    if config.get("faithful"):
        return "As the original: one NTK factor of the whole prompt, kept for decoding; rows count padding."
    return (
        f"A query's NTK factor follows from its own position: 1 up to {config['seq_length']:,} tokens, then 3, 7, 15. "
        "Rows count from the first token that is no padding."
    )


VIEW = View(
    "ntk",
    "The rotary rows applied to each token, dynamic NTK factors with their effective base, and log-n factors",
    show,
    {"row": "The row of the batch.", "step": "The forward, counted from 0."},
    values=("*rotary_emb",),
)
