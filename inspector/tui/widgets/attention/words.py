"""Looks in words: keys, queries, layers, and what the screen says above them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from inspector.analysis.layers import layer_names
from inspector.analysis.patches import CLASS
from inspector.analysis.regions import Region
from inspector.analysis.wording import number
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.spot import named
from inspector.tui.widgets.cells import visible

PICTURES = 3
"""Pictures of which a line says how much falls on them."""

LEAST = 0.0005
"""A share that is `0.0%` below."""


@dataclass(frozen=True, slots=True)
class KeyWords:
    """A key as a list names it: its index in the row, or its patch in its picture; its text, and the same in short."""

    index: str
    text: str
    short: str
    kind: str


def key_words(sight: Sight, key: int) -> KeyWords:
    """What a key stands for. Nothing in its texts is invisible."""
    if sight.patches is not None:
        patch = sight.patches.number(key)
        found = sight.patches.at(key)
        if found is None:
            name = CLASS if key in sight.patches.others else f"place {key}"
            return KeyWords("" if patch is None else str(patch), name, name, "special")
        return KeyWords(str(patch), *_placed(sight, *found), "image")
    token = sight.token(key)
    index = str(key + sight.offset)
    if token is None:
        return KeyWords(index, "empty place", "empty place", "pad")
    region = region_of(sight, key) if sight.regions else None
    if region is None:
        text = _text(token.text, token.id)
        return KeyWords(index, text, text, token.kind)
    return KeyWords(index, *_placed(sight, region, *divmod(region.keys.index(key), region.columns)), token.kind)


def _placed(sight: Sight, region: Region, row: int, column: int) -> tuple[str, str]:
    """A place in a picture, and the same in short: in a vision tower, keys lie in the query's own picture."""
    where = f"row {row} col {column}"
    own = sight.patches is not None and sight.regions[sight.spot.picture] is region
    return f"{region.name} {where}", where if own or len(sight.regions) == 1 else f"{region.short} {row},{column}"


def query_words(sight: Sight) -> str:
    """Who looks; in a vision tower without the picture."""
    if sight.patches is None:
        own = key_words(sight, (sight.spot.token or 0) - sight.offset)
        return f"token {own.index} {own.text}" if own.kind in ("image", "video") else f"token {own.index} ‘{own.text}’"
    found = sight.patches.at(sight.query)
    if found is None:
        return key_words(sight, sight.query).text
    return f"patch {sight.patches.number(sight.query)}: row {found[1]} col {found[2]}"


def next_words(sight: Sight) -> str:
    """The token after the one that looks, which its look went into choosing; empty where there is none yet."""
    after = None if sight.conversation is None else sight.conversation.tokens.at((sight.spot.token or 0) + 1)
    return "" if after is None else f"next ‘{_text(after.text, after.id)}’"


def picture_words(sight: Sight, *, short: bool = False) -> str:
    """The picture that a query of a vision tower lies in."""
    found = None if sight.patches is None else sight.patches.at(sight.query)
    if found is None:
        return sight.runs[sight.spot.run].name
    return found[0].short if short else found[0].name


def patch_option(sight: Sight) -> str:
    """The query of a vision tower as the view of attention is asked for it."""
    assert sight.patches is not None
    number_ = sight.patches.number(sight.query)
    return "class" if number_ is None else str(number_)


def heads_words(sight: Sight, *, short: bool = False) -> str:
    """Which heads look; in `short`, that a mean is one."""
    if short and sight.spot.heads[0] == "mean":
        return "mean"
    return named(sight.spot.heads, sight.kernel.heads, sight.kernel.group)


def layer_words(sight: Sight) -> str:
    """The layer as the view of attention is asked for it: `vision.3`, `17`."""
    return ("vision." if sight.spot.vision else "") + layers(sight)[sight.spot.layer]


def layers(sight: Sight) -> list[str]:
    """The layers that can be chosen: in a vision tower they are counted, in a decoder the model's numbers."""
    return [str(place) for place in range(len(sight.kernels))] if sight.spot.vision else layer_names(sight.kernels)


def layer_of(sight: Sight) -> str:
    """The layer among those there are: `vision.3 of 0–31`; `7, 2 of 12 with attention` where some have none."""
    own, name = layers(sight), layer_words(sight)
    if own == [str(place) for place in range(len(own))]:
        return f"{name} of 0–{own[-1]}"
    return f"{name}, {sight.spot.layer + 1} of {len(own)} with attention"


def facts(sight: Sight) -> tuple[str, ...]:
    """Mask, kernel and where the attention goes, in a line: in full, and in fewer words."""
    kernel, given = sight.kernel, sight.probabilities
    long, short = [], []
    if given is not None:
        entropy = _entropy(sight)
        long.append(f"entropy {entropy:.2f} nats, as if {math.exp(entropy):.1f} keys alike")
        short.append(f"entropy {entropy:.2f} nats")
        long += shares(sight)
        short += shares(sight)
    size = f"{kernel.queries:,} × {kernel.keys:,}" if sight.patches is None else sight.patches.summary
    long += [size, f"{kernel.name} in {kernel.query.dtype}, worked out in float32"]
    shorter = [*short, size, f"{kernel.name} in {kernel.query.dtype}"]
    return tuple(" · ".join(said) for said in (long, shorter, [*short, size], short))


def shares(sight: Sight) -> list[str]:
    """How much goes to each picture, or video, to the class token; in a vision tower only what gets something."""
    assert sight.probabilities is not None
    found: dict[str, float] = {}
    for region in sight.regions:
        found[region.picture] = found.get(region.picture, 0.0) + region.share(sight.probabilities)
    if sight.patches is not None:
        found |= {key_words(sight, place).text: float(sight.probabilities[place]) for place in sight.patches.others}
        found = {name: share for name, share in found.items() if share >= LEAST}
    named = [f"{name} {share:.1%}" for name, share in found.items()]
    return named if len(named) <= PICTURES else [*named[:PICTURES], "…"]


def several(sight: Sight) -> bool:
    """Whether there are several pictures to look at, in this run of a vision tower or in another."""
    return len(sight.regions) > 1 or len(sight.runs) > 1


def region_of(sight: Sight, key: int) -> Region | None:
    """The picture that a key of the decoder lies in."""
    return next((region for region in sight.regions if key in region.keys), None)


def cell_words(sight: Sight, region: Region, row: int, column: int) -> tuple[str, ...]:
    """A place of a picture: its token or patch, and the attention on it; in full, and in fewer words."""
    key = region.keys[row * region.columns + column]
    where = f"row {row} col {column}"
    if key < 0 or sight.probabilities is None:
        return (where,)
    share = number(float(sight.probabilities[key]))
    what = f"token {key + sight.offset}" if sight.patches is None else f"patch {sight.patches.number(key)}"
    return f"{where} · {what} · {share}", f"{where} · {share}"


def names(sight: Sight, side: str, first: int) -> Callable[[int | str], str]:
    """What names one of the queries, or keys, of a call by its place, or several as `a:b`: `first` is the token of the
    first. In a vision tower one has the name of its patch.
    """

    def name(place: int | str) -> str:
        if isinstance(place, str):
            start, _, stop = place.partition(":")
            return f"{int(start) + first}:{int(stop) + first}"
        return f"{side} {place + first}" if sight.patches is None else key_words(sight, place).short

    return name


def _entropy(sight: Sight) -> float:
    from inspector.analysis.attention import entropy

    assert sight.probabilities is not None
    return float(entropy(sight.probabilities[None]))


def _text(text: str, id: int) -> str:
    return visible(text, spaces=True) if text else f"id {id}"
