"""What a vision tower really did with its grids: positions, attention lengths of its blocks, window order undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.analysis.forwards import TOWER_GRID, Forward, forwards, kept, layout, vision_towers
from inspector.analysis.layout import Layout
from inspector.analysis.windows import Size, frame_lengths, inverse, patch_places, window_index, window_lengths
from inspector.trace import Call, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Tower:
    """One run of a vision tower over pictures with grids."""

    call: Call
    sizes: list[Size]
    layout: Layout

    @property
    def patches(self) -> int:
        return sum(frames * rows * columns for frames, rows, columns in self.sizes)

    @property
    def has_windows(self) -> bool:
        return self.layout.window_side > 0

    def order(self) -> list[int]:
        """The merged token at each place of the window order."""
        return window_index(self.sizes, self.layout.merge, self.layout.window_side)

    def lengths(self, *, full: bool) -> list[int]:
        """Cumulative lengths of what attends to itself, in patches: whole frames or windows."""
        if full or not self.has_windows:
            return frame_lengths(self.sizes)
        return window_lengths(self.sizes, self.layout.merge, self.layout.window_side)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a vision tower: the cumulative lengths that it was given, and what they are.

    `kind` is "windows", "full" (whole frames), "both" where a frame has one window, "other", or "" where nothing was
    given; `asked` is what the configuration asks for.
    """

    number: int
    path: str
    lengths: tuple[int, ...]
    kind: str
    asked: str
    published: str

    @property
    def wrong(self) -> bool:
        return self.kind not in ("", "both", self.asked)


def towers(trace: Trace, how: Layout) -> list[Tower]:
    """Every run of a vision tower that was given grids, in order."""
    found = []
    for path in vision_towers(trace):
        for index in trace.occurrences(path):
            grid = kept(trace, trace.calls[index], TOWER_GRID)
            if grid is not None and grid.ndim == 2 and grid.shape[1] == 3:
                sizes = [(int(frames), int(rows), int(columns)) for frames, rows, columns in grid.tolist()]
                found.append(Tower(trace.calls[index], sizes, how))
    return sorted(found, key=lambda tower: tower.call.index)


def tower_of(trace: Trace, forward: Forward, kind: str) -> Tower | None:
    """The run of the vision tower that encoded the pictures, or videos, of a forward."""
    return _encoder(towers(trace, layout(trace)), forward, kind)


def kinds(trace: Trace, found: Sequence[Tower]) -> dict[int, str]:
    """What each run of a tower was given, image or video, by the index of its call: told from the grids of the
    forwards, and where no forward says so, from the frames.
    """
    told = {tower.call.index: "video" if any(size[0] > 1 for size in tower.sizes) else "image" for tower in found}
    for forward in forwards(trace) if found else ():
        for kind in forward.sizes:
            own = _encoder(found, forward, kind)
            if own is not None:
                told[own.call.index] = kind
    return told


def _encoder(found: Sequence[Tower], forward: Forward, kind: str) -> Tower | None:
    sizes = forward.sizes.get(kind)
    if not sizes:
        return None
    own = [tower for tower in found if tower.sizes == sizes]
    inside = [tower for tower in own if tower.call.step == forward.step and tower.call.index > forward.call]
    alike = [other for other, grids in forward.sizes.items() if grids == sizes]  # each has a run of its own, in turn
    return next(iter((inside or own)[alike.index(kind) :]), next(iter(inside or own), None))


def positions(trace: Trace, tower: Tower) -> tuple[Tensor | None, list[tuple[int, int]]]:
    """Row and column of every patch as the tower turned by them (None: not recorded), and as they should be."""
    expected = patch_places(tower.sizes, tower.layout.merge)
    for call in inside(trace, tower.call, "rotary"):
        given = kept(trace, call, "input.position_ids")
        if given is not None:
            return (given if given.shape[-1] == 2 else given.T), expected
    return None, expected


def blocks(trace: Trace, tower: Tower) -> list[Block]:
    """The blocks of a run, in order."""
    full, windows = tuple(tower.lengths(full=True)), tuple(tower.lengths(full=False))
    how = tower.layout
    found = []
    for number, call in enumerate(inside(trace, tower.call, "vision_block")):
        given = kept(trace, call, "input.cu_seqlens")
        lengths = () if given is None else tuple(given.tolist())
        asked = "windows" if tower.has_windows and number not in (how.full_blocks or ()) else "full"
        public = (
            "" if how.published_full_blocks is None else "full" if number in how.published_full_blocks else "windows"
        )
        found.append(Block(number, call.path, lengths, _kind(lengths, full, windows), asked, public))
    return found


def _kind(lengths: tuple[int, ...], full: tuple[int, ...], windows: tuple[int, ...]) -> str:
    if not lengths:
        return ""
    if lengths in (full, windows):
        return "both" if full == windows else "full" if lengths == full else "windows"
    return "other"


def inside(trace: Trace, call: Call, role: str) -> Iterator[Call]:
    """The calls of a role that ran directly inside another."""
    for index in trace.children(call.index):
        child = trace.calls[index]
        if child.role == role:
            yield child
        elif child.role == "encoder":
            yield from inside(trace, child, role)


@dataclass(frozen=True, slots=True)
class Undone:
    """Whether the order of windows was undone behind the merger: `ok` is None where it cannot be told."""

    ok: bool | None
    evidence: str


def undone(trace: Trace, tower: Tower) -> Undone:
    """Compare what the merger put out with what the tower put out."""
    order = tower.order()
    if order == sorted(order):
        return Undone(True, "Window order is the order of the tokens here: there was nothing to undo.")
    merger = next(iter([*inside(trace, tower.call, "merger")]), None)
    port = next((port for port in ("output.pooler_output", "output", "output[0]") if port in tower.call.outputs), None)
    if merger is None or port is None:
        return Undone(None, "The tower has no merger whose output could be compared.")
    result, made = tower.call.outputs[port], merger.outputs.get("output")
    makers = {(merger.index, "output"), made.origin if isinstance(made, TensorInfo) else None} - {None}
    if isinstance(result, TensorInfo) and result.origin in makers:
        return Undone(False, "The tower put out what its merger put out, in window order: the order was not undone.")
    sources = result.sources if isinstance(result, TensorInfo) else ()
    taken = kept(trace, tower.call, f"{port}.order") if makers.issuperset(sources) else None
    return _compared(kept(trace, merger, "output"), kept(trace, tower.call, port), order, taken, result)


def _compared(
    before: Tensor | None, after: Tensor | None, order: Sequence[int], taken: Tensor | None, result: object
) -> Undone:
    """By the values before and behind, or else by the index by which rows were `taken` between them."""
    import torch

    if taken is not None and (before is None or after is None):
        if taken.tolist() == inverse(order):
            return Undone(True, "The tower took the merger's rows by the index that undoes window order.")
        return Undone(False, "The tower took the merger's rows by another index than the one that undoes window order.")
    if before is None or after is None or before.shape != after.shape:
        via = getattr(result, "via", ())
        if via:
            return Undone(None, f"Between merger and output ran {', '.join(via)}; the values were not kept.")
        return Undone(
            None, "The values of merger and tower were not kept (--values '*.merger:output' and the tower's)."
        )
    if torch.equal(after[torch.tensor(order)], before):
        return Undone(True, "The tower's output is the merger's, put back from window order.")
    if torch.equal(after, before):
        return Undone(False, "The tower's output is the merger's as it came, in window order: it was not undone.")
    return Undone(False, "The tower's output is the merger's in neither order.")
