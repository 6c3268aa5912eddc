"""The facts of a trace, as frozen records, and their JSON form (the contract `inspector.trace/1`).

Nothing here imports torch: a saved trace opens, lists and filters without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FORMAT = "inspector.trace/1"

TokenKind = Literal["text", "image", "video", "pad", "special"]


@dataclass(frozen=True, slots=True)
class Stats:
    """A tensor in a few numbers. `min`, `max`, `mean` and `std` are over finite values, None where there is none."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    nan: int = 0
    inf: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"min": self.min, "max": self.max, "mean": self.mean, "std": self.std, "nan": self.nan, "inf": self.inf}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as it met a port.

    `origin` is the call and port that made it, None where no module did: an input of the model, or the result of
    functions inside a forward. Then `sources` are the outputs that it was made from, as far as they were followed, and
    `via` the names of the last functions on the way, in order. `value` is the key under which its value is kept, None
    where it is not; one value that appears at several ports is kept once.
    """

    shape: tuple[int, ...]
    dtype: str
    device: str
    stats: Stats | None = None
    origin: tuple[int, str] | None = None
    value: str | None = None
    sources: tuple[tuple[int, str], ...] = ()
    via: tuple[str, ...] = ()

    @property
    def numel(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def nbytes(self) -> int:
        """Size in bytes, were it stored densely in its dtype."""
        return self.numel * ITEM_BITS.get(self.dtype, 32) // 8

    def __str__(self) -> str:
        return f"{SHORT.get(self.dtype, self.dtype)}[{','.join(map(str, self.shape))}]"

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"shape": list(self.shape), "dtype": self.dtype, "device": self.device}
        if self.stats is not None:
            data["stats"] = self.stats.to_json()
        if self.origin is not None:
            data["origin"] = list(self.origin)
        if self.value is not None:
            data["value"] = self.value
        if self.sources:
            data["sources"] = [list(source) for source in self.sources]
            data["via"] = list(self.via)
        return data


Value = TensorInfo | str | int | float | bool | None
"""What stands at a port: a tensor, or a plain scalar (for anything else, a short description of it)."""

SHORT = {
    "float64": "f64",
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "int64": "i64",
    "int32": "i32",
    "int16": "i16",
    "int8": "i8",
    "uint8": "u8",
    "complex64": "c64",
}

ITEM_BITS = {
    "float64": 64,
    "int64": 64,
    "complex64": 64,
    "complex128": 128,
    "float16": 16,
    "bfloat16": 16,
    "int16": 16,
    "int8": 8,
    "uint8": 8,
    "bool": 8,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One run of one module.

    `index` counts calls in the order in which they began, `step` counts forwards of the whole model, `parent` is the
    call inside which this one ran. `seconds` is wall time, children included (device time on a GPU). `memory` is what
    the device had allocated when the call ended, in bytes, where that was measured. `error` is set when the call
    raised.
    """

    index: int
    step: int
    parent: int | None
    depth: int
    path: str
    class_name: str
    role: str | None
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    seconds: float | None = None
    memory: int | None = None
    error: str | None = None

    def ports(self) -> dict[str, Value]:
        """Inputs, then outputs, by port name."""
        return {**self.inputs, **self.outputs}

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "index": self.index,
            "step": self.step,
            "parent": self.parent,
            "depth": self.depth,
            "path": self.path,
            "class": self.class_name,
            "role": self.role,
            "inputs": {port: value_to_json(value) for port, value in self.inputs.items()},
            "outputs": {port: value_to_json(value) for port, value in self.outputs.items()},
            "seconds": self.seconds,
            "error": self.error,
        }
        if self.memory is not None:
            data["memory"] = self.memory
        return data


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the model, called or not. `parameters` and `bytes` include its children; shared ones count once."""

    path: str
    class_name: str
    role: str | None
    parameters: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "class": self.class_name,
            "role": self.role,
            "parameters": self.parameters,
            "bytes": self.bytes,
        }


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a row. `position` is `(t, h, w)` under M-RoPE, `(p,)` elsewhere, None where no position was seen."""

    index: int
    id: int
    text: str
    kind: TokenKind
    position: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        position = None if self.position is None else list(self.position)
        return {"index": self.index, "id": self.id, "text": self.text, "kind": self.kind, "position": position}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What ran. `parameters` counts shared ones once; `attention` is transformers' implementation name."""

    reference: str
    family: str
    class_name: str
    parameters: int
    dtype: str
    device: str
    attention: str | None
    shape_only: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "family": self.family,
            "class": self.class_name,
            "parameters": self.parameters,
            "dtype": self.dtype,
            "device": self.device,
            "attention": self.attention,
            "shape_only": self.shape_only,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a forward raised: the innermost module, the line of its source, and the shapes that met there.

    `ports` holds the inputs of the failing call and, as `local.NAME`, the tensors its forward had made by then.
    """

    path: str
    class_name: str
    error: str
    message: str
    file: str | None
    line: int | None
    code: str | None = None
    call: int | None = None
    ports: Mapping[str, Value] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "class": self.class_name,
            "error": self.error,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "code": self.code,
            "call": self.call,
            "ports": {port: value_to_json(value) for port, value in self.ports.items()},
        }


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or video that was given: where it came from and its size before the processor touched it.

    `row` is the row of the batch that it belongs to. Of a video, `frames` counts those of the file, `sampled` are the
    indices of those that were taken and `sampling` the reasons in words, `fps` is the file's own rate and
    `seconds_per_grid` the time that a temporal patch covers.
    """

    kind: Literal["image", "video"]
    source: str
    width: int
    height: int
    frames: int = 1
    row: int = 0
    sampled: tuple[int, ...] = ()
    fps: float | None = None
    seconds_per_grid: float | None = None
    sampling: str = ""

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind, "source": self.source, "width": self.width, "height": self.height}
        if self.row:
            data["row"] = self.row
        if self.kind == "video":
            data |= {"frames": self.frames, "sampled": list(self.sampled), "fps": self.fps}
            data |= {"seconds_per_grid": self.seconds_per_grid, "sampling": self.sampling}
        return data


def value_to_json(value: Value) -> Any:
    """A value as strict JSON, which has no word for infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.to_json() if isinstance(value, TensorInfo) else value
