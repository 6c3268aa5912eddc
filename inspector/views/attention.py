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
    from inspector.analysis.sequence import Sequenced

MEAN = "mean"
GROUP = "group."
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
    from inspector.analysis.kernels import choose, kernels, nothing
    from inspector.analysis.sequence import sequence
    from inspector.views import attention_parts as parts

    number = step_of(trace, step)
    if not kernels(trace, number):
        return [Table("Attention", parts.FACTS, [], nothing(trace, number))]
    kernel = choose(trace, layer, number)
    if trace.model.shape_only:
        return [parts.calls(trace, number)]
    place = whole(row or "0", "row", kernel.batch, "rows in the batch")
    chosen = heads_of(kernel, head)
    tokens = sequence(trace, number, place)
    at = query_of(trace, kernel, tokens, query)
    count = whole(top, "top", kernel.keys + 1, "keys") if top else TOP
    look = parts.Look(trace, kernel, place, chosen, at, tokens)
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


def query_of(trace: Trace, kernel: Kernel, tokens: Sequenced, query: str) -> int:
    """The query that is asked for, by its place in the kernel's call.

    In the decoder it is asked for by the index of its token in the row, and is the last by default; in a vision tower
    by the patch in the order of the picture, and is the one in the middle by default. Raises `InputError`.
    """
    from inspector.analysis.kernels import in_vision
    from inspector.analysis.regions import patch_place
    from inspector.errors import InputError

    if in_vision(trace, kernel.path):
        patches = patch_place(trace, kernel)
        return patches[whole(query, "query", len(patches), "patches")] if query else patches[len(patches) // 2]
    if not query:
        return kernel.queries - 1
    index = whole(query, "query", tokens.first + kernel.queries, "tokens so far")
    if index < tokens.first:
        raise InputError(
            f"--query {query}: token {query} asked in an earlier forward; step {kernel.call.step} has the queries "
            f"{tokens.first} to {tokens.first + kernel.queries - 1}."
        )
    return index - tokens.first


def _needs(**asked: str) -> list[str]:
    """Queries and keys, of one layer where one is named, else of all of them; and the pictures."""
    from inspector.analysis.kernels import NEEDED
    from inspector.views.backdrop import KEPT

    layer = asked.get("layer", "")
    number = layer.removeprefix("vision.")
    vision = layer.startswith("vision.")  # whose numbers go on from picture to picture, where the tower runs for each
    where = "*" if not layer or vision else f"*.{number}.*" if number.isdecimal() else layer
    return [*(f"{where}:{glob.partition(':')[2]}" for glob in NEEDED), *KEPT]


VIEW = View(
    "attention",
    "Where a query looks: probabilities by key, head and layer, and over the picture",
    show,
    {
        "layer": "The layer: of the decoder from 0 (by default the last), of the vision tower from vision.0, or a path",
        "step": "The forward, from 0, the prefill",
        "row": "The row of the batch, from 0",
        "head": f"The head, from 0, {GROUP}0 for the mean of those that share keys, or {MEAN}, the default",
        "query": "The token that looks, by its index in the row (by default the last), or the patch in a vision tower",
        "picture": "Only this picture or video, from 1",
        "top": f"How many of the keys to list ({TOP})",
    },
    needs=_needs,
)
