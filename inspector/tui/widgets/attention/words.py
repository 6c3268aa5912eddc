"""Looks in words: keys, queries, layers, and what the screen says above them."""

from __future__ import annotations

import math

from inspector.analysis.regions import Region
from inspector.analysis.wording import number
from inspector.tui.widgets.attention.looking import Sight
from inspector.tui.widgets.attention.spot import named
from inspector.tui.widgets.cells import visible

PICTURES = 3
"""Pictures of which a line says how much falls on them."""


def key_words(sight: Sight, key: int) -> tuple[str, str, str]:
    """A key's index, its text (nothing in it invisible) and its kind; in a vision tower its patch."""
    if sight.spot.vision:
        region = region_of(sight, key)
        if region is None:
            return str(key), "no patch", "special"
        row, column = divmod(region.keys.index(key), region.columns)
        return str(key), f"row {row} col {column}" + (f" of {title(region)}" if several(sight) else ""), "image"
    token = sight.token(key)
    index = str(key + sight.offset)
    if token is None:
        return index, "empty place", "pad"
    return index, _text(token.text, token.id) + _place(sight, key), token.kind


def query_words(sight: Sight) -> str:
    """Who looks."""
    if sight.spot.vision:
        _, text, _ = key_words(sight, sight.query)
        return f"patch {sight.spot.patch}: {text}"
    token = sight.conversation.tokens.at(sight.spot.token or 0) if sight.conversation is not None else None
    return f"token {sight.spot.token}" + ("" if token is None else f" ‘{_text(token.text, token.id)}’")


def heads_words(sight: Sight) -> str:
    return named(sight.spot.heads, sight.kernel.heads, sight.kernel.group)


def layer_words(sight: Sight) -> str:
    """The layer as the view of attention is asked for it: `vision.3`, `17`."""
    return f"{'vision.' if sight.spot.vision else ''}{sight.spot.layer}"


def facts(sight: Sight) -> str:
    """Mask, kernel and where the attention goes, in a line."""
    kernel, given = sight.kernel, sight.probabilities
    said = []
    if given is not None:
        entropy = _entropy(sight)
        said.append(f"entropy {entropy:.2f} nats, as if {math.exp(entropy):.1f} keys alike")
        said += [f"{title(region)} {region.share(given):.1%}" for region in sight.regions[:PICTURES]]
    said += [f"{kernel.queries:,} × {kernel.keys:,}", f"{kernel.name} in {kernel.query.dtype}, worked out in float32"]
    return " · ".join(said)


def title(region: Region) -> str:
    """`image 1`, `video 1 frame 3`."""
    frame = "" if region.frame is None else f" frame {region.frame + 1}"
    return f"{region.kind} {region.number + 1}{frame}"


def several(sight: Sight) -> bool:
    return len(sight.regions) > 1


def region_of(sight: Sight, key: int) -> Region | None:
    """The picture that a key lies in."""
    return next((region for region in sight.regions if key in region.keys), None)


def cell_words(sight: Sight, region: Region, row: int, column: int) -> str:
    """A place of a picture: its token or patch, and the attention on it."""
    key = region.keys[row * region.columns + column]
    where = f"row {row}, column {column}"
    if key < 0 or sight.probabilities is None:
        return where
    what = f"place {key}" if sight.spot.vision else f"token {key + sight.offset}"
    return f"{where} · {what} · {number(float(sight.probabilities[key]))}"


def _entropy(sight: Sight) -> float:
    from inspector.analysis.attention import entropy

    assert sight.probabilities is not None
    return float(entropy(sight.probabilities[None]))


def _text(text: str, id: int) -> str:
    return visible(text, spaces=True) if text else f"id {id}"


def _place(sight: Sight, key: int) -> str:
    """Where an image token lies in its picture."""
    region = region_of(sight, key) if sight.regions else None
    if region is None:
        return ""
    row, column = divmod(region.keys.index(key), region.columns)
    return f" {row},{column}" + (f" of {title(region)}" if several(sight) else "")
