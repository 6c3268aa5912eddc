"""Reads transformers' mask functions: what a mask is made by, as a rule in a few words.

transformers composes a mask from small functions (`causal_mask_function`, `sliding_window_overlay(4096)`, …) and may
then leave it out because the kernel can do without. The rule is read off the composition, so it is known either way,
and for a mask that is too large to keep.

A rule reads like a Python expression: `all(causal, window(4096), padding)`. `all` is an intersection, `any` a union; a
bare name other than `causal` and `full` is a tensor that stands beside the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Tensors = dict[str, Tensor]


def describe(function: Any, padding: Any = None) -> tuple[str, Tensors]:
    """The rule of a mask function, with the tensors that it names.

    `padding` is the 2-D padding mask [batch, keys] that is applied on top. What transformers does not ship under a
    known name becomes `other("its name")`.
    """
    tensors: Tensors = {}
    rule = _rule(function, tensors)
    if isinstance(padding, Tensor) and padding.ndim == 2:
        rule = f"all({_inside('all', rule)}, {_named('padding', padding, tensors)})"
    return rule, tensors


def _rule(function: Any, tensors: Tensors) -> str:
    name = str(getattr(function, "__qualname__", type(function).__name__))
    factory, _, _ = name.partition(".<locals>")
    read = KNOWN.get(factory)
    if read is None:
        return f"other({name!r})"
    try:
        return read(_closure(function), tensors)
    except (AttributeError, KeyError, TypeError, ValueError):  # another version of transformers wrote it otherwise
        return f"other({name!r})"


def _closure(function: Any) -> Mapping[str, Any]:
    """The variables that a function took along from where it was made."""
    cells = function.__closure__ or ()
    return {name: cell.cell_contents for name, cell in zip(function.__code__.co_freevars, cells, strict=True)}


def _several(word: str) -> Callable[[Mapping[str, Any], Tensors], str]:
    def read(made: Mapping[str, Any], tensors: Tensors) -> str:
        rules = [_inside(word, _rule(function, tensors)) for function in made["mask_functions"]]
        return f"{word}({', '.join(rules)})"

    return read


def _inside(word: str, rule: str) -> str:
    """A rule without a bracket of the same word around it: `all(all(a, b), c)` is `all(a, b, c)`."""
    return rule[len(word) + 1 : -1] if rule.startswith(f"{word}(") else rule


def _named(name: str, tensor: Tensor, tensors: Tensors) -> str:
    """The name under which a tensor stands beside the rule."""
    for known, there in tensors.items():
        if there is tensor:
            return known
    while name in tensors:
        name += "_"
    tensors[name] = tensor
    return name


def _chunks(made: Mapping[str, Any], tensors: Tensors) -> str:
    return f"chunks({int(made['chunk_size'])}, {_named('left_padding', made['left_padding'], tensors)})"


def _at_positions(made: Mapping[str, Any], tensors: Tensors) -> str:
    positions = _named("positions", made["position_ids"], tensors)
    return f"at({positions}, {_rule(made['mask_function'], tensors)})"


KNOWN: Mapping[str, Callable[[Mapping[str, Any], Tensors], str]] = {
    "causal_mask_function": lambda made, tensors: "causal",
    "bidirectional_mask_function": lambda made, tensors: "full",
    "and_masks": _several("all"),
    "or_masks": _several("any"),
    "sliding_window_overlay": lambda made, tensors: f"window({int(made['sliding_window'])})",
    "sliding_window_bidirectional_overlay": lambda made, tensors: f"band({int(made['sliding_window'])})",
    "_bidirectional_window_overlay": lambda made, tensors: f"band({int(made['sliding_window']) - 1})",
    "chunked_overlay": _chunks,
    "blockwise_overlay": lambda made, tensors: _named("blocks", made["block_sequence_ids"], tensors),
    "padding_mask_function": lambda made, tensors: _named("padding", made["padding_mask"], tensors),
    "packed_sequence_mask_function": lambda made, tensors: _named("packed", made["packed_sequence_mask"], tensors),
    "remap_positions_for_packed_sequence": _at_positions,
}
"""How the functions of `transformers.masking_utils` are read, by the function that makes them."""
