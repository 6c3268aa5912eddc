"""What the call of a forward tells by its ports alone, without values: rows and tokens, cache, pictures as features."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from inspector.trace import Call, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

    from inspector.analysis.windows import Size

LENGTH = re.compile(r"\(length=(\d+)\)")
ENCODED = re.compile(r"input\.mm_encoder_outputs\.(image|video)\.pooler_output\[\d+\]")
SECONDS = "media.second_per_grid_ts"


def shape_of(call: Call) -> tuple[int, int] | None:
    """Rows and new tokens of a forward of the whole model; None for anything else, such as a vision tower by itself."""
    for port in ("input.input_ids", "input.inputs_embeds"):
        info = call.inputs.get(port)
        if isinstance(info, TensorInfo) and len(info.shape) >= 2:
            return info.shape[0], info.shape[1]
    return None


def columns(call: Call, port: str) -> int:
    """How long the last axis of a tensor at a port is; 0 without one."""
    info = call.inputs.get(port)
    return info.shape[-1] if isinstance(info, TensorInfo) and info.shape else 0


def past_of(call: Call, mask: Tensor | None, tokens: int) -> int | None:
    """How many tokens were in the cache; None where neither the cache nor a padding mask [batch, length] tells."""
    cache = call.inputs.get("input.past_key_values")
    if cache is None:
        return 0
    length = LENGTH.search(str(cache))
    if length is not None:
        return int(length[1])
    return None if mask is None else mask.shape[1] - tokens


def encoded(call: Call) -> list[str]:
    """The kinds of the pictures that a forward was given as features, in the order in which they were encoded."""
    return list(dict.fromkeys(match[1] for port in call.inputs if (match := ENCODED.fullmatch(port))))


def copies(call: Call, sizes: dict[str, list[Size]]) -> int:
    """How many rows share the pictures of one: features are given for every row, grids once."""
    kinds = [match[1] for port in call.inputs if (match := ENCODED.fullmatch(port))]
    for kind, own in sizes.items():
        given = kinds.count(kind)
        if own and given > len(own) and given % len(own) == 0:
            return given // len(own)
    return 1


def seconds(trace: Trace, call: Call) -> tuple[float, ...]:
    """As the forward was given them; else as the videos were read."""
    given = [value for port, value in call.inputs.items() if port.startswith(SECONDS)]
    read = given or [item.seconds_per_grid for item in trace.media if item.kind == "video"]
    return tuple(float(seconds) for seconds in read if isinstance(seconds, (int, float)))
