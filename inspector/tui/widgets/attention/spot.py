"""Which look is looked at: a query in a layer of a step, by one head or several. Values only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

Choice = tuple[str, int]
"""`("mean", 0)`, the mean of all heads; `("group", g)`, that of the heads that share keys; `("head", h)`, one head."""

MEAN: Choice = ("mean", 0)


@dataclass(frozen=True, slots=True)
class Spot:
    """A look that is wanted. Numbers that are too large stand for the last there is.

    `layer` counts the attention calls of the step on one side: in the decoder, or (`vision`) in the vision tower.
    `token` is the query by its index in the row, in the decoder; None stands for the last one. In a vision tower `run`
    says which of its runs in the step, and `patch` the query: by its patch in the order of `pixel_values`, counted over
    the pictures of the run; what is no patch, a class token, comes behind the last. None stands for the patch in the
    middle of the picture, or frame of a video, that is number `picture` of the run.
    """

    step: int = 0
    row: int = 0
    vision: bool = False
    layer: int = 10**9
    heads: Choice = MEAN
    token: int | None = None
    run: int = 0
    picture: int = 0
    patch: int | None = None


def choices(heads: int, group: int) -> Iterator[Choice]:
    """What can be looked at in a layer, in the order in which one steps through it: the mean of all heads, then group
    by group its mean (where heads share keys) and its heads.
    """
    yield MEAN
    for head in range(heads):
        if group > 1 and head % group == 0:
            yield "group", head // group
        yield "head", head


def chosen(heads: Choice, count: int, group: int) -> range:
    """The heads that a choice stands for."""
    kind, number = heads
    if kind == "head":
        return range(number, number + 1)
    if kind == "group":
        return range(number * group, min((number + 1) * group, count))
    return range(count)


def named(heads: Choice, count: int, group: int) -> str:
    """A choice in words."""
    kind, number = heads
    if kind == "mean":
        return f"mean of {count} heads"
    if kind == "group":
        own = chosen(heads, count, group)
        return f"mean of heads {own.start}–{own.stop - 1}"
    return f"head {number}"


def widened(heads: Choice, group: int) -> Choice:
    """One head, then the heads that share its keys, then all of them, then one head again."""
    kind, number = heads
    if kind == "head":
        return ("group", number // group) if group > 1 else MEAN
    return MEAN if kind == "group" else ("head", 0)


def clamped(spot: Spot, layers: int, heads: int, group: int) -> Spot:
    """The same in a layer that there is, by heads that it has."""
    kind, number = spot.heads
    most = {"mean": 0, "group": -(-heads // group) - 1, "head": heads - 1}[kind]
    found = (kind, min(number, most)) if kind != "group" or group > 1 else MEAN
    return replace(spot, layer=max(0, min(spot.layer, layers - 1)), heads=found)
