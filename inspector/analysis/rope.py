"""Rotary embeddings worked out from a configuration alone: inverse frequencies, wavelengths, the axis of each pair.

All in double precision; what a model really uses is compared with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.analysis.rope_variants import FREQUENCIES, Asked

TOLERANCE = 1e-4
"""Relative: models hold inverse frequencies in float32."""


@dataclass(frozen=True, slots=True)
class Rope:
    """The rotary embedding of some layers. `dim` is how many dimensions of a head turn, two of them to a pair.

    `scaling` multiplies cos and sin. `sections` says how many pairs turn by time, height and width, none where all
    turn by one position; `interleaved` deals the pairs out in turn instead of in blocks. `parameters` stand as in the
    configuration.
    """

    type: str
    head_dim: int
    dim: int
    base: float
    inv_freq: tuple[float, ...]
    scaling: float = 1.0
    sections: tuple[int, ...] = ()
    interleaved: bool = False
    parameters: Mapping[str, Any] | None = None

    @property
    def effective_base(self) -> float:
        """The base with which a plain rotary embedding would give the slowest pair its wavelength."""
        turning = [value for value in self.inv_freq if value > 0]
        return turning[-1] ** (-self.dim / (2 * (len(turning) - 1))) if len(turning) > 1 else self.base

    def axes(self) -> list[int]:
        """The axis (0 time, 1 height, 2 width) by whose position each pair turns; all 0 without sections."""
        return pair_axes(len(self.inv_freq), self.sections, interleaved=self.interleaved)


def wavelength(inv_freq: float) -> float:
    """How many positions a pair takes for a full turn."""
    return 2 * math.pi / inv_freq if inv_freq else math.inf


def pair_axes(pairs: int, sections: Sequence[int], *, interleaved: bool = False) -> list[int]:
    """The axis of each pair. Pairs beyond what the sections cover turn by the first axis, like those of text."""
    axes = [0] * pairs
    if interleaved:
        for axis, section in list(enumerate(sections))[1:]:
            for pair in range(axis, min(len(sections) * section, pairs), len(sections)):
                axes[pair] = axis
        return axes
    dealt = [axis for axis, section in enumerate(sections) for _ in range(section)]
    axes[: min(pairs, len(dealt))] = dealt[:pairs]
    return axes


def ropes(config: Mapping[str, Any], length: int = 0) -> dict[str, Rope]:
    """The rotary embeddings that a configuration asks for, by layer type; under "" where all layers share one.

    `config` is a model's configuration as a dictionary, its text part taken where it has several. `length` is the
    longest sequence so far, on which dynamic and longrope depend. Empty for models without rotary positions, and for
    types that are not known here.
    """
    text = text_config(config)
    parameters = text.get("rope_parameters") or _older(text)
    if not isinstance(parameters, Mapping):
        return {}
    if _is_parameters(parameters):
        found = {"": parameters}
    else:
        found = {str(name): item for name, item in parameters.items() if isinstance(item, Mapping)}
    built = {name: _rope(_of_type(text, name), item, length) for name, item in found.items()}
    return {name: rope for name, rope in built.items() if rope is not None}


def sections_of(config: Mapping[str, Any]) -> tuple[int, ...]:
    """How many pairs turn by each axis; none where all turn by one position."""
    text = text_config(config)
    parameters = text.get("rope_parameters") or text.get("rope_scaling") or {}
    found = parameters.get("mrope_section") if isinstance(parameters, Mapping) else None
    return tuple(int(size) for size in found or ())


def _of_type(text: Mapping[str, Any], layer_type: str) -> Mapping[str, Any]:
    """The configuration of the layers of a type, which may have settings of their own, such as wider heads."""
    types = text.get("layer_types") or ()
    own = {int(layer): given for layer, given in (text.get("per_layer_config") or {}).items()}
    first: Mapping[str, Any] = next(
        (own[layer] for layer, kind in enumerate(types) if kind == layer_type and layer in own), {}
    )
    return {**text, **first}


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a configuration that describes the language model."""
    for name in ("text_config", "llm_config", "language_config", "thinker_config"):
        inner = config.get(name)
        if isinstance(inner, Mapping):
            return text_config(inner)
    return config


def _older(text: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameters as configurations wrote them before transformers 5."""
    if "rope_theta" not in text:
        return None
    scaling = dict(text.get("rope_scaling") or {})
    kind = scaling.pop("type", None)
    scaling.setdefault("rope_type", "default" if kind in (None, "mrope") else kind)
    return {"rope_theta": text["rope_theta"], **scaling}


def _is_parameters(parameters: Mapping[str, Any]) -> bool:
    return any(name in parameters for name in ("rope_type", "rope_theta", "type"))


def _rope(text: Mapping[str, Any], parameters: Mapping[str, Any], length: int) -> Rope | None:
    kind = str(parameters.get("rope_type") or parameters.get("type") or "default")
    head = head_dim(text)
    if kind not in FREQUENCIES or not head:
        return None
    partial = float(parameters.get("partial_rotary_factor") or text.get("partial_rotary_factor") or 1.0)
    asked = Asked(parameters, text, head if kind == "proportional" else int(head * partial), partial, length)
    if asked.base is None:
        return None
    inv_freq, scaling = FREQUENCIES[kind](asked)
    sections = tuple(int(size) for size in parameters.get("mrope_section") or ())
    interleaved = bool(parameters.get("mrope_interleaved"))
    return Rope(kind, head, asked.dim, asked.base, tuple(inv_freq), scaling, sections, interleaved, dict(parameters))


def head_dim(text: Mapping[str, Any]) -> int:
    """Dimensions of a head; 0 where the configuration does not say."""
    if text.get("head_dim"):
        return int(text["head_dim"])
    hidden, heads = text.get("hidden_size"), text.get("num_attention_heads")
    return int(hidden) // int(heads) if hidden and heads else 0
