"""What each forward of a trace was given, read from the calls of the whole model and of the decoder's embeddings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inspector.analysis.layout import Layout, placeholder_ids
from inspector.analysis.ports import columns, copies, encoded, past_of, seconds, shape_of
from inspector.analysis.rope import sections_of
from inspector.trace import Call, TensorInfo, Trace

if TYPE_CHECKING:
    from torch import Tensor

    from inspector.analysis.windows import Size

MADE_OF = re.compile(r"masks\[\d+\]\.padding")
TOWER_GRID = "input.grid_thw"
GRIDS = {"image": "input.image_grid_thw", "video": "input.video_grid_thw"}
TYPES = {1: "image", 2: "video"}
"""What `mm_token_type_ids` number."""

SPLICED = "output.input_ids"
"""Where a module that puts features into the sequence says which ids the longer sequence is of."""

DELTAS = ("before.rope_deltas", "after.rope_deltas")


@dataclass(frozen=True, slots=True)
class Delta:
    """The rope delta that a model held, a number for each row.

    It was written in the forward `step`, or, where it was not `inside`, at some time before that forward.
    """

    values: tuple[int, ...]
    step: int
    inside: bool

    def of(self, row: int) -> int | None:
        """That of a row; rows that a search multiplied share one."""
        return self.values[row % len(self.values)] if self.values else None


@dataclass(frozen=True, slots=True)
class Forward:
    """One forward of the whole model.

    `batch` rows of `tokens` each, behind `past` tokens in the cache (padding counts; None where it cannot be told).
    `ids` i64 [batch, tokens], `mask` the padding mask [batch, past + tokens] and `types` (`mm_token_type_ids`) as they
    were given, as a module made them that spliced features in, or as masks were made of them before the forward; None
    where they were not or were not kept.
    `sizes` are the grids of patches by kind, and so many `copies` of a row share them: beams, or several sequences for
    one prompt. `seconds` are those that a temporal patch of each video covers. `positions` i64 [axes, batch or 1,
    tokens] are those by which queries and keys were turned (or vectors looked up, where `absolute`); `text_positions`,
    under M-RoPE, those that masks are made from. `positions_given` says whether the caller chose the positions.
    `before` and `after` are the rope deltas that the model held.
    """

    step: int
    call: int
    batch: int
    tokens: int
    past: int | None
    ids: Tensor | None = None
    mask: Tensor | None = None
    types: Tensor | None = None
    sizes: dict[str, list[Size]] = field(default_factory=dict)
    copies: int = 1
    seconds: tuple[float, ...] = ()
    positions: Tensor | None = None
    text_positions: Tensor | None = None
    absolute: bool = False
    positions_given: bool = False
    before: Delta | None = None
    after: Delta | None = None

    @property
    def kind(self) -> str:
        """What it does in a conversation, in words."""
        return "prefill" if not self.past else "decoding" if self.tokens == 1 else "a later turn"

    def attended(self, row: int) -> list[int]:
        """The new tokens of a row that are no padding."""
        if self.mask is None or self.mask.shape[0] <= row or self.mask.shape[1] < self.tokens:
            return list(range(self.tokens))
        kept: list[int] = self.mask[row, -self.tokens :].nonzero().flatten().tolist()
        return kept

    def kinds(self, row: int, known: dict[int, str]) -> list[str]:
        """The kind of each new token that is no padding; `known` are the ids of placeholders.

        Where pictures of a kind were given and no id stands for it, the types tell which placeholders are of that kind:
        some models have one placeholder for pictures and for frames of videos.
        """
        if self.ids is None or self.ids.shape[0] <= row:
            return ["text"] * len(self.attended(row))
        ids, types = self.ids[row].tolist(), [0] * self.tokens
        named = {known.get(id) for line in self.ids.tolist() for id in line} if self.sizes else set()
        if self.types is not None and self.types.shape[-1] == self.tokens and set(self.sizes) - named:
            types = self.types[row % self.types.shape[0]].tolist()
        told = {number: kind for number, kind in TYPES.items() if kind not in named}
        return [
            told.get(types[token], known[ids[token]]) if ids[token] in known else "text" for token in self.attended(row)
        ]


def forwards(trace: Trace) -> list[Forward]:
    """Every forward that was given tokens, in order."""
    reader = _Reader(trace)
    found: list[Forward] = []
    towers: list[Call] = []
    for index in trace.children(None):
        call = trace.calls[index]
        shape = shape_of(call)
        if shape is not None:
            found.append(reader.forward(call, shape, towers))
            towers = []
        elif TOWER_GRID in call.inputs:  # `generate` encodes pictures before its first forward
            towers.append(call)
    return found


def layout(trace: Trace) -> Layout:
    """How the model's family lays pictures out, as the trace recorded it."""
    return Layout.from_json(trace.facts.get("vision", {}))


def placeholders(trace: Trace) -> dict[int, str]:
    """The ids that stand for features of pictures and videos."""
    return placeholder_ids(trace.config)


def kept(trace: Trace, call: Call, port: str) -> Tensor | None:
    """The kept value at a port; None where there is no tensor, or its value was not kept."""
    info = call.inputs.get(port, call.outputs.get(port))
    return trace.values[info.value] if isinstance(info, TensorInfo) and info.value is not None else None


def within(path: str, above: Sequence[str]) -> bool:
    """Whether a module hangs below one of some others."""
    return any(path.startswith(f"{other}.") for other in above)


def vision_towers(trace: Trace) -> list[str]:
    """Paths of the vision towers."""
    return [module.path for module in trace.modules if module.role == "vision_tower"]


class _Reader:
    """Finds the calls beside the root that a forward is read from, by step, once for all of them."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        towers = vision_towers(trace)
        self._rotary = self._all_of("rotary", "input.position_ids", towers)
        self._axes = len(sections_of(trace.config)) or 3
        self._table = self._first_of("position_embedding", "input.input", towers)
        self._language = self._first_of("language_model", "input.position_ids", towers)
        self._spliced = self._first_of("splice", SPLICED, ())
        self._stateful = {port: self._first_of("multimodal_model", port, ()) for port in DELTAS}
        self._written = self._writers()

    def forward(self, call: Call, shape: tuple[int, int], towers: Sequence[Call]) -> Forward:
        """A forward; `towers` are the runs of a vision tower by itself that came before it."""
        trace, (batch, tokens) = self.trace, shape
        sizes = dict(_sizes(trace, call)) or dict(zip(encoded(call), _tower_sizes(trace, towers), strict=False))
        ids, mask = kept(trace, call, "input.input_ids"), kept(trace, call, "input.attention_mask")
        mask = mask if mask is not None and mask.ndim == 2 else None
        past = past_of(call, mask, tokens)
        mask = _made_of(trace, call, (past or 0) + tokens) if mask is None else mask
        if (spliced := self._spliced.get(call.step)) is not None:
            ids, mask = kept(trace, spliced, SPLICED), kept(trace, spliced, "output.attention_mask")
            tokens = tokens if ids is None else ids.shape[1]
        before, after = (self._delta(call.step, port) for port in DELTAS)
        return Forward(
            step=call.step,
            call=call.index,
            batch=batch,
            tokens=tokens,
            past=past,
            ids=ids,
            mask=mask,
            types=kept(trace, call, "input.mm_token_type_ids"),
            sizes=sizes,
            copies=copies(call, sizes),
            seconds=seconds(trace, call),
            positions=self._positions(call.step, tokens),
            text_positions=self._text_positions(call.step),
            absolute=not self._rotary.get(call.step) and call.step in self._table,
            positions_given=isinstance(call.inputs.get("input.position_ids"), TensorInfo),
            before=before,
            after=after,
        )

    def _first_of(self, role: str, port: str, outside: Sequence[str]) -> dict[int, Call]:
        """By step, the first call of a role that has a tensor at a port."""
        return {step: calls[0] for step, calls in self._all_of(role, port, outside).items()}

    def _all_of(self, role: str, port: str, outside: Sequence[str]) -> dict[int, list[Call]]:
        """By step, the calls of a role that have a tensor at a port."""
        found: dict[int, list[Call]] = {}
        for module in self.trace.modules:
            if module.role != role or within(module.path, outside):
                continue
            for index in self.trace.occurrences(module.path):
                call = self.trace.calls[index]
                if isinstance(call.inputs.get(port, call.outputs.get(port)), TensorInfo):
                    found.setdefault(call.step, []).append(call)
        return found

    def _positions(self, step: int, tokens: int) -> Tensor | None:
        """Those of a step's own tokens: a rotary embedding may also turn what layers made of several tokens."""
        port, calls = "input.position_ids", self._rotary.get(step, [])
        if not calls and step in self._table:
            port, calls = "input.input", [self._table[step]]
        if not calls:
            return None
        own = (call for call in calls if columns(call, port) == tokens)
        given = kept(self.trace, next(own, calls[0]), port)
        return given if given is None else given[None] if given.ndim == 2 else given[-self._axes :]

    def _text_positions(self, step: int) -> Tensor | None:
        """Under M-RoPE, a fourth axis in front of the positions that the language model was given."""
        call = self._language.get(step)
        given = None if call is None else kept(self.trace, call, "input.position_ids")
        return given[0] if given is not None and given.ndim == 3 and given.shape[0] == 4 else None

    def _delta(self, step: int, port: str) -> Delta | None:
        key = self._key(step, port)
        if key is None:
            return None
        written, inside = self._written[key]
        return Delta(tuple(self.trace.values[key].flatten().tolist()), written, inside)

    def _key(self, step: int, port: str) -> str | None:
        """The key of the value that a module remembered before or after a step: the same as long as nobody wrote it."""
        call = self._stateful[port].get(step)
        info = None if call is None else call.inputs.get(port, call.outputs.get(port))
        return info.value if isinstance(info, TensorInfo) else None

    def _writers(self) -> dict[str, tuple[int, bool]]:
        """For each remembered value the step at which it was seen first, and whether that was after it had run."""
        found: dict[str, tuple[int, bool]] = {}
        for step in sorted({step for calls in self._stateful.values() for step in calls}):
            for port in DELTAS:
                if (key := self._key(step, port)) is not None:
                    found.setdefault(key, (step, port == DELTAS[1]))
        return found


def _made_of(trace: Trace, call: Call, length: int) -> Tensor | None:
    """The padding mask [batch, length] that the masks of a forward were made of, where it was given those alone."""
    ports = (port for port in call.inputs if MADE_OF.fullmatch(port))
    found = (kept(trace, call, port) for port in ports)
    return next((mask.long() for mask in found if mask is not None and mask.shape[-1] == length), None)


def _sizes(trace: Trace, call: Call) -> Iterator[tuple[str, list[Size]]]:
    for kind, port in GRIDS.items():
        grid = kept(trace, call, port)
        if grid is not None:
            yield kind, _rows(grid)


def _rows(grid: Tensor) -> list[Size]:
    return [(int(frames), int(rows), int(columns)) for frames, rows, columns in grid.tolist()]


def _tower_sizes(trace: Trace, towers: Sequence[Call]) -> Iterator[list[Size]]:
    for call in towers:
        grid = kept(trace, call, TOWER_GRID)
        if grid is not None:
            yield _rows(grid)
