"""Kept tensor values: in memory, or in the safetensors files of a saved trace.

Torch is imported when a value is read, not before: a trace opens and lists without it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from inspector.errors import TraceError

if TYPE_CHECKING:
    from torch import Tensor


class Values(Protocol):
    """Kept values by key (`"12/output"`: call index, port).

    A tensor that is read belongs to the trace: it is not to be changed in place. Reading raises `KeyError` for an
    unknown key and `TraceError` for a file that has gone.
    """

    def __getitem__(self, key: str) -> Tensor: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object) -> bool: ...


class MemoryValues(dict[str, "Tensor"]):
    """Values that simply stay in memory."""


class JoinedValues(Mapping[str, "Tensor"]):
    """Values of several kinds under one roof; no key stands in two of them."""

    def __init__(self, *parts: Values) -> None:
        self._parts = parts

    def __getitem__(self, key: str) -> Tensor:
        for part in self._parts:
            if key in part:
                return part[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (key for part in self._parts for key in part)

    def __len__(self) -> int:
        return sum(map(len, self._parts))


class FileValues(Mapping[str, "Tensor"]):
    """Values in safetensors files. Opening reads the headers only; a value is memory-mapped when it is read."""

    def __init__(self, files: list[Path]) -> None:
        self._files: dict[str, Path] = {}
        for file in files:
            for name in read_header(file):
                self._files[name] = file

    def __getitem__(self, key: str) -> Tensor:
        from safetensors import SafetensorError, safe_open

        file = self._files[key]
        try:
            with safe_open(file, framework="pt") as opened:
                tensor: Tensor = opened.get_tensor(key)
        except (OSError, SafetensorError) as error:
            raise TraceError(f"{file}: the value {key!r} cannot be read: {error}") from error
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def read_header(file: Path) -> dict[str, Any]:
    """Names, dtypes, shapes and offsets of a safetensors file, from its first bytes alone.

    Raises `TraceError` for a file that is missing, no safetensors file, or shorter than its header promises.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            prefix = opened.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else size
            if length > size - 8:
                raise TraceError(f"{file} is no safetensors file, or was cut off in its header ({size:,} bytes).")
            header = json.loads(opened.read(length))
    except OSError as error:
        raise TraceError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise TraceError(f"{file} is no safetensors file: its header is not JSON.") from error
    if not isinstance(header, dict):
        raise TraceError(f"{file} is no safetensors file: its header is not an object.")
    header.pop("__metadata__", None)
    if not all(map(_is_tensor, header.values())):
        raise TraceError(f"{file} is no safetensors file: its header does not describe tensors.")
    end = max((item["data_offsets"][1] for item in header.values()), default=0)
    if 8 + length + end > size:
        raise TraceError(f"{file} was cut off: {8 + length + end:,} bytes were expected, {size:,} are there.")
    return header


def _is_tensor(item: Any) -> bool:
    """Whether an entry of a header has a dtype, a shape and the offsets of its bytes."""
    if not isinstance(item, dict) or not isinstance(item.get("dtype"), str):
        return False
    shape, offsets = item.get("shape"), item.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        return False
    return all(isinstance(number, int) and number >= 0 for number in (*shape, *offsets)) and offsets[0] <= offsets[1]
