"""The files of a checkpoint directory: which hold the weights, whether they are whole, and how much they take.

Only names, indexes and the headers of safetensors files are read here, never a weight.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import ModelError, TraceError
from inspector.trace.values import read_header

ENTRIES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""What transformers looks for, in its order: the first that is there is loaded."""

FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""safetensors' names of the dtypes that are converted to the one asked for; every other stays as it is stored."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight files of one checkpoint: the one that transformers starts from, and all that hold weights."""

    entry: Path
    files: tuple[Path, ...]

    @property
    def safetensors(self) -> bool:
        return self.files[0].suffix == ".safetensors"

    def size(self) -> int:
        """Bytes on disk of the files that are there."""
        return sum(file.stat().st_size for file in self.files if file.is_file())

    def missing(self) -> list[str]:
        """Names of the files that the index names and that are not there."""
        return [file.name for file in self.files if not file.is_file()]


def entry(names: Iterable[str]) -> str | None:
    """The file that transformers would start to load from among `names`, None where there is none."""
    there = set(names)
    return next((name for name in ENTRIES if name in there), None)


def ggufs(directory: Path) -> list[str]:
    """Names of the GGUF files of a directory."""
    return sorted(file.name for file in directory.glob("*.gguf"))


def find_weights(directory: Path, gguf: str | None = None) -> Weights | None:
    """The weights that would be loaded from a directory; None where it holds none under a name that transformers knows.

    Raises `ModelError` for an index that cannot be understood.
    """
    if gguf is not None:
        return Weights(directory / gguf, (directory / gguf,))
    name = entry(name for name in ENTRIES if (directory / name).is_file())
    if name is None:
        return None
    path = directory / name
    files = shards(path) if path.suffix == ".json" else [name]
    return Weights(path, tuple(directory / file for file in files))


def shards(index: Path) -> list[str]:
    """The names of the files that an index promises, each once. Raises `ModelError`."""
    weight_map = read_json(index).get("weight_map")
    names = list(dict.fromkeys(weight_map.values())) if isinstance(weight_map, dict) else []
    if not names or not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise ModelError(f"{index} is no index of weight files: its weight_map should name one file for each weight.")
    return sorted(names)


def check_weights(weights: Weights) -> dict[str, Any]:
    """Read the header of every file, and return those of safetensors files as one: name → dtype, shape, offsets.

    Raises `ModelError` for a missing shard, a Git LFS pointer, and a safetensors file that is foreign or was cut off.
    """
    if missing := weights.missing():
        directory = weights.entry.parent
        raise ModelError(
            f"{directory}: {some(missing)} {'is' if len(missing) == 1 else 'are'} missing; {weights.entry.name} names "
            f"{len(weights.files)} files, {len(weights.files) - len(missing)} are there. Copy or download the rest, or "
            "open the architecture alone with --shape-only."
        )
    headers: dict[str, Any] = {}
    try:
        for file in weights.files:
            _refuse_pointer(file)
            if file.suffix == ".safetensors":
                headers.update(read_header(file))
    except TraceError as error:
        raise ModelError(str(error)) from error
    return headers


def refuse_strays(directory: Path) -> None:
    """Raise `ModelError` where a directory without an entry holds weights that transformers would not find."""
    strays = [file.name for file in directory.glob("*.safetensors") if not file.name.startswith("adapter")]
    strays += [file.name for file in directory.glob("pytorch_model*.bin")]
    if strays:
        raise ModelError(
            f"{directory} holds {some(sorted(strays))}, but none of the files that transformers starts from: "
            f"{', '.join(ENTRIES)}. Add the missing index, or open the architecture alone with --shape-only."
        )


def loaded_bytes(headers: dict[str, Any], itemsize: int) -> int:
    """The memory that these weights take once loaded, floating-point ones at `itemsize` bytes an element."""
    total = 0
    for tensor in headers.values():
        begin, end = tensor["data_offsets"]
        total += math.prod(tensor["shape"]) * itemsize if tensor["dtype"] in FLOATS else end - begin
    return total


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises `ModelError`."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ModelError(f"{file} is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{file} should hold a JSON object and holds a {type(data).__name__}.")
    return data


def _refuse_pointer(file: Path) -> None:
    with file.open("rb") as opened:
        if opened.read(24) == b"version https://git-lfs.":
            raise ModelError(f"{file} is a Git LFS pointer, not the weights. Run `git lfs pull` in {file.parent}.")


def some(names: list[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
