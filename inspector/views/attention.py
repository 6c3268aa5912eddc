"""Where a query looks: probabilities of any layer, head, query and step, worked out from what the kernel was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector.parts import Part, Table, View
from inspector.trace import Trace
from inspector.views.asking import whole
from inspector.views.masks import step_of

if TYPE_CHECKING:
    from inspector.analysis.kernels import Kernel
    from inspector.analysis.patches import Patches
    from inspector.analysis.sequence import Sequenced

MEAN = "mean"
GROUP = "group."
CLASS = "class"
TOP = 12


def show(
    trace: Trace,
    *,
    layer: str = "",
    step: str = "",
    row: str = "",
    head: str = "",
    query: str = "",
    picture: str = "",
    top: str = "",
) -> Sequence[Part]:
    from inspector.analysis.kernels import in_vision, kernels, nothing
    from inspector.analysis.layers import choose
    from inspector.analysis.patches import patches
    from inspector.analysis.sequence import sequence
    from inspector.views import attention_parts as parts

    number = step_of(trace, step)
    if not kernels(trace, number):
        return [Table("Attention", parts.FACTS, [], nothing(trace, number))]
    kernel = choose(trace, layer, number, picture)
    if trace.model.shape_only:
        return [parts.calls(trace, number)]
    place = whole(row or "0", "row", kernel.batch, "rows in the batch")
    chosen = heads_of(kernel, head)
    tokens = sequence(trace, number, place)
    own = patches(kernel, place) if in_vision(trace, kernel.path) else None
    at = query_of(kernel, tokens, query) if own is None else patch_of(own, query, picture)
    count = whole(top, "top", kernel.keys + 1, "keys") if top else TOP
    look = parts.Look(trace, kernel, place, chosen, at, tokens, own)
    return [
        parts.facts(look),
        parts.where(look),
        parts.attended(look, count),
        *parts.pictures(look, picture),
        parts.heads(look),
        *parts.matrix(look),
        parts.entropies(trace, number, look),
    ]


def heads_of(kernel: Kernel, head: str) -> range:
    """The heads that are asked for: one, the mean of all (the default), or of a group that shares its keys.

    Raises `InputError`.
    """
    if head in ("", MEAN):
        return range(kernel.heads)
    if head.startswith(GROUP):
        groups = -(-kernel.heads // kernel.group)
        first = kernel.group * whole(head.removeprefix(GROUP), "head group", groups, "groups that share keys")
        return range(first, min(first + kernel.group, kernel.heads))
    one = whole(head, "head", kernel.heads, "heads")
    return range(one, one + 1)


def query_of(kernel: Kernel, tokens: Sequenced, query: str) -> int:
    """The query that is asked for by the index of its token in the row, by its place in the kernel's call; by default
    the last. Raises `InputError`.
    """
    from inspector.errors import InputError

    if not query:
        return kernel.queries - 1
    index = whole(query, "query", tokens.first + kernel.queries, "tokens so far")
    if index < tokens.first:
        raise InputError(
            f"--query {query}: token {query} asked in an earlier forward; step {kernel.call.step} has the queries "
            f"{tokens.first} to {tokens.first + kernel.queries - 1}."
        )
    return index - tokens.first


def patch_of(own: Patches, query: str, picture: str) -> int:
    """The query of a vision tower that is asked for, by its place in the kernel's call: a patch of a picture (by
    default the first) in the order of `pixel_values`, by default the one in the middle; or the class token.

    Raises `InputError`.
    """
    from inspector.analysis.layers import picture_named

    if query == CLASS and own.others:
        return own.others[0]
    there = [(region.kind, region.number) for region in own.regions]
    number = there.index(picture_named(picture, there)) if picture and there else 0
    if not query:
        return own.places[own.middle(number)]
    before, count = own.extent(number)
    what = f"patches of {own.regions[number].picture}" if there else "patches"
    return own.places[before + whole(query, "query", count, what)]


def _needs(**asked: str) -> list[str]:
    """Queries and keys, of one layer where one is named, else of all of them; and the pictures."""
    from inspector.analysis.kernels import NEEDED
    from inspector.views.backdrop import KEPT

    layer = asked.get("layer", "")
    number = layer.removeprefix("vision.")
    where = "*" if not layer else f"*.{number}.*" if number.isdecimal() else layer
    return [*(f"{where}:{glob.partition(':')[2]}" for glob in NEEDED), *KEPT]


VIEW = View(
    "attention",
    "Where a query looks: probabilities by key, head and layer, and over the picture",
    show,
    {
        "layer": "The layer: of the decoder from 0 (by default the last), of the vision tower from vision.0, or a path",
        "step": "The step, from 0, the prefill",
        "row": "The row of the batch, from 0",
        "head": f"The head, from 0, {GROUP}0 for the mean of those that share keys, or {MEAN}, the default",
        "query": "The token that looks, by its index in the row (by default the last); in a vision tower a patch of a "
        f"picture in the order of pixel_values, by default the one in the middle, or {CLASS}, its class token",
        "picture": "Only this picture, from 1, or video, video.1; in a vision tower the one whose patch looks",
        "top": f"How many of the keys to list ({TOP})",
    },
    needs=_needs,
)
