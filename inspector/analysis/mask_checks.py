"""What is wrong with the masks of a forward: queries that see nothing, padding, encoding, layers and blocks of a kind
that the configuration does not ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.analysis.checks import Check, counted, every, some
from inspector.analysis.kernels import in_vision
from inspector.analysis.layers import towers_in
from inspector.analysis.mask_report import Group, forward_of, paddings
from inspector.analysis.masks import Applied
from inspector.analysis.numbering import layer_numbers
from inspector.analysis.tower import blocks
from inspector.trace import TensorInfo, Trace


def mask_checks(trace: Trace, step: int, found: Sequence[Group]) -> list[Check]:
    """What is wrong with masks, and what was found to be right. `found` are the groups of the row that is looked at."""
    checks = [_sight(group) for group in found if group.blind] or _all_see(found)
    checks += _padding(trace, step)
    checks += _encodings(found)
    checks += layer_checks(trace, found)
    return [*checks, *block_checks(trace, step)]


def _sight(group: Group) -> Check:
    who = counted(len(group.blind), "token")
    text = f"{who} ({some(group.blind)}) see no key: what they become is made of nothing, or of nan."
    return Check(f"keys to see in {group.name}", False, text)


def _all_see(found: Sequence[Group]) -> list[Check]:
    if not found or any(group.applied.spans is None for group in found):
        return []
    padding = max(group.blind_padding for group in found)
    beside = f" ({counted(padding, 'query', 'queries')} of padding see none, as it should be)" if padding else ""
    return [Check("keys to see", True, f"Every token sees a key in every attention call{beside}.")]


def _padding(trace: Trace, step: int) -> Iterator[Check]:
    rows = paddings(trace, step)
    forward = forward_of(trace, step)
    if not rows or forward is None:
        return
    wrong = [row for row in rows if row.right or row.inside]
    if not wrong:
        padded = sum(row.left > 0 for row in rows)
        text = f"{counted(padded, 'row')} of {len(rows)} padded, on the left." if padded else "No row is padded."
        yield Check("padding side", True, text)
    for row in wrong:
        count = row.right or row.inside
        where = "on the right" if row.right else "between its tokens"
        text = f"Row {row.row} has {count:,} of padding {where}: a decoder goes on behind it, not behind the text."
        yield Check("padding side", False, text)


def _encodings(found: Sequence[Group]) -> Iterator[Check]:
    for group in found:
        mask, name = group.kernels[0].mask, group.kernels[0].name
        if not isinstance(mask, TensorInfo) or not group.encoding or (group.heads and 0 not in group.heads):
            continue  # the values are those of a whole tensor, said once for all of its heads
        title = f"mask encoding in {group.name}"
        if mask.dtype == "bool" and name == "eager":
            yield Check(title, False, "A bool mask in eager attention is added as 0 and 1, and hides nothing.")
        elif "inf" in group.encoding:
            text = f"{group.encoding}: where a query sees no key, eager attention makes nan of infinite values."
            yield Check(title, None if not group.blind else False, text)
        elif mask.dtype.startswith(("float", "bfloat")) and group.encoding.count(",") > 1:
            yield Check(title, None, f"{group.encoding}: more than to see and not to see, so it is a bias as well.")


def layer_checks(trace: Trace, groups: Sequence[Group]) -> Iterator[Check]:
    """Whether each decoder layer sees as far as the configuration says."""
    shared = [group for group in groups if not group.heads]
    seen = {kernel.call.index: (kernel, group.applied) for group in shared for kernel in group.kernels}
    decoder = [seen[index] for index in sorted(seen) if not in_vision(trace, seen[index][0].path)]
    named = configured(trace)
    window = "sliding_attention"  # a model may have one window for all layers, whatever their types
    everywhere = window if window not in named and window_of(trace, window) else ""
    numbers = layer_numbers([kernel.call for kernel, _ in decoder])
    known = [(number, *of) for number, of in zip(numbers, decoder, strict=True) if number is not None]
    layers = [(named[number], kernel, found) for number, kernel, found in known if number < len(named)]
    layers = [layer for layer in layers if layer[0] in KINDS]
    kinds = [asked for asked, _, _ in layers]
    if not kinds:
        return
    wrong = [
        f"{kernel.path} is {actual}, {asked} in the configuration"
        for asked, kernel, found in layers
        if (actual := kind_of(found, asked, window_of(trace, asked))) not in ("", asked, everywhere)
    ]
    who = f"All {len(kinds)} layers see" if len(kinds) > 1 else "The layer with attention sees"
    text = f"{who} as far as the configuration says: {_tally(kinds)}."
    yield Check("kinds of layers", not wrong, some(wrong) + "." if wrong else text)


CHUNKS = "within chunks"
"""What the words of a rule say of a mask that is made of chunks."""

KINDS = ("full_attention", "sliding_attention", "chunked_attention")
"""What a mask can tell of the kinds of attention that configurations name."""


def configured(trace: Trace) -> list[str]:
    """The kind of attention of every decoder layer as the configuration names it; none where it says nothing."""
    text = trace.config.get("text_config", trace.config)
    kinds = text.get("layer_types")
    return [str(kind) for kind in kinds] if isinstance(kinds, list) else []


def window_of(trace: Trace, kind: str) -> int:
    """How far a kind of layer sees; 0 where it sees everything."""
    text = trace.config.get("text_config", trace.config)
    name = {"sliding_attention": "sliding_window", "chunked_attention": "attention_chunk_size"}.get(kind, "")
    return int(text.get(name) or 0)


def kind_of(found: Applied, asked: str, window: int) -> str:
    """The kind of attention that a mask shows, in the configuration's words; empty where it cannot be told.

    `asked` is what should show, with its window: too few keys tell a window from full attention. Blocks are chunks
    where the mask was made of them; else they may as well be packed sequences.
    """
    if found.spans is None:
        return ""
    if "sliding window" in found.pattern:
        return "sliding_attention"
    if "block" in found.pattern:
        return "chunked_attention" if CHUNKS in found.rule else ""
    far = int(found.spans.counts().max(initial=0)) > window > 0
    full = found.pattern.startswith(("causal", "every key"))
    return "full_attention" if full and (asked == "full_attention" or far) else ""


def block_checks(trace: Trace, step: int) -> Iterator[Check]:
    """Whether each vision block attends to windows or to whole frames as the configuration and published models say."""
    for tower, name in towers_in(trace, step):
        if not tower.has_windows:
            continue
        found = blocks(trace, tower)
        wrong = [
            f"block {block.number} attends to {SEEN[block.kind]}, not {SEEN[block.asked]}"
            for block in found
            if block.wrong
        ]
        text = f"{every(len(found), 'block', 'attends', 'attend')} as the configuration says."
        yield Check(f"vision blocks of {name}", not wrong, some(wrong) + "." if wrong else text)
        other = [
            f"{block.number} ({SEEN[block.published]})" for block in found if block.published not in ("", block.asked)
        ]
        if other:
            text = f"The configuration says otherwise than the published models of this depth for block {some(other)}."
            yield Check("fullatt_block_indexes", False, text)


SEEN = {"windows": "windows", "full": "whole frames", "both": "whole frames", "other": "something else", "": "unknown"}


def _tally(kinds: Sequence[str]) -> str:
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())
