"""A model that is put together from several places, or changed on its way: what a family hands to the loader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import ModelError
from inspector.models.checkpoint import Weights, check_weights, find_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

    from inspector.models.processors import Processor


@dataclass(frozen=True, slots=True)
class Piece:
    """The checkpoint in a directory. `rename` gives the name that a weight of it has in the whole model, None for one
    that has no place there.
    """

    directory: Path
    rename: Callable[[str], str | None]


@dataclass(slots=True)
class Assembly:
    """What is to be built in place of the checkpoint as it lies.

    `config` is the configuration of the whole. `pieces` hold its weights, and `tensors` those that were read already,
    by their names in the whole; both empty stand for the checkpoint itself. `processor` is what encodes its inputs,
    None for the family's own. `finish` is called with the model when its weights are in place, or when it has shapes
    alone. `notices` are sentences that the user must see.
    """

    config: PreTrainedConfig
    pieces: tuple[Piece, ...] = ()
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    processor: Processor | None = None
    finish: Callable[[PreTrainedModel], None] | None = None
    notices: list[str] = field(default_factory=list)

    def weights(self) -> Weights:
        """The files of all pieces. Raises `ModelError` where a piece has none."""
        found = [_weights(piece) for piece in self.pieces]
        return Weights(found[0].entry, tuple(file for weights in found for file in weights.files))

    def headers(self) -> dict[str, Any]:
        """The headers of all safetensors files, by the names of the whole. Raises `ModelError` for a damaged file."""
        headers: dict[str, Any] = {}
        for piece in self.pieces:
            for name, header in check_weights(_weights(piece)).items():
                if (renamed := piece.rename(name)) is not None:
                    headers[renamed] = header
        return headers

    def state(self) -> dict[str, Any]:
        """Every weight by its name in the whole; those of safetensors files are read when they are looked at."""
        state: dict[str, Any] = {}
        for piece in self.pieces:
            for file in _weights(piece).files:
                state.update({new: weight for name, weight in _read(file) if (new := piece.rename(name)) is not None})
        return {**state, **self.tensors}


def _weights(piece: Piece) -> Weights:
    weights = find_weights(piece.directory)
    if weights is None:
        raise ModelError(f"{piece.directory} holds no weights. --shape-only runs without any.")
    return weights


def _read(file: Path) -> list[tuple[str, Any]]:
    if file.suffix == ".safetensors":
        from safetensors import safe_open

        opened: Any = safe_open(file, framework="pt")
        return [(name, opened.get_slice(name)) for name in opened.keys()]  # noqa: SIM118 - no mapping
    import torch

    return list(torch.load(file, map_location="cpu", weights_only=True, mmap=True).items())
