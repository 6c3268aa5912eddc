"""The numbers that a model itself gives its layers, as they stand in the paths of its modules.

A layer without attention (linear attention, a state space) keeps its number, so that `layers.3` is layer 3 everywhere,
also where it is the first with an attention kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.analysis.wording import listed
from inspector.errors import InputError
from inspector.trace import Call, Trace


def layer_numbers(calls: Sequence[Call]) -> list[int | None]:
    """The layer of each of some calls of a decoder; None for one outside of the list of layers that the last of them is
    in. Calls are counted where layers have no numbers, or share a module.
    """
    own = [_numbered(call) for call in calls]
    stack = own[-1][0] if own and own[-1] is not None else None
    if stack is None or len({call.path for call in calls}) < len(calls):
        return list(range(len(calls)))
    return [found[1] if found is not None and found[0] == stack else None for found in own]


def place_named(trace: Trace, calls: Sequence[Call], layer: str, beside: Sequence[str] = ()) -> int:
    """The place among some calls of a decoder of the first that ran in a layer, which is named by its number.

    Raises `InputError` that lists the layers there are, and what there is `beside` them.
    """
    numbers = layer_numbers(calls)
    if layer.isdecimal() and int(layer) in numbers:
        return numbers.index(int(layer))
    raise no_layer(trace, calls, layer, beside)


def no_layer(trace: Trace, calls: Sequence[Call], layer: str, beside: Sequence[str] = ()) -> InputError:
    """Why none of some calls ran in a layer, and the layers there are."""
    there = sorted({number for number in layer_numbers(calls) if number is not None})
    if layer.isdecimal() and _is_layer(trace, calls, int(layer)):
        kinds = trace.config.get("text_config", trace.config).get("layer_types") or []
        kind = f" ({kinds[int(layer)]} in the configuration)" if int(layer) < len(kinds) else ""
        return InputError(f"Layer {layer} calls no attention kernel{kind}; these layers do: {listed(there)}.")
    whole = bool(there) and len(there) == there[-1] + 1
    own = [] if not there else [f"0 to {there[-1]}" if whole else f"attention in {listed(there)}"]
    return InputError(f"There is no layer {layer}; this step has {' and '.join([*own, *beside]) or 'none'}.")


def _is_layer(trace: Trace, calls: Sequence[Call], layer: int) -> bool:
    """Whether the model has a layer of this number where the last of some calls ran."""
    found = _numbered(calls[-1]) if calls else None
    return found is not None and any(module.path == f"{found[0]}.{layer}" for module in trace.modules)


def _numbered(call: Call) -> tuple[str, int] | None:
    """The list of layers that a call's module is in, by its path, and the number in it."""
    parts = call.path.split(".")
    place = next((place for place, part in enumerate(parts) if part.isdecimal()), None)
    return None if place is None else (".".join(parts[:place]), int(parts[place]))
