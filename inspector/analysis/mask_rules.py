"""Rules of masks, as recordings write them (`all(causal, window(4096), padding)`): to spans, and to words.

A rule speaks of positions in the whole sequence; where queries and keys of a call begin in it is told by offsets. The
tensors that a rule names stand beside it: `padding` bool [batch, keys], `blocks`, `packed` and `positions` i64 [batch,
tokens], `left_padding` i64 [batch].
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

import numpy as np

from inspector.analysis.spans import Bools, Ints, Spans, runs, runs_of


class NoRule(Exception):
    """A rule that is not known here, or whose tensors were not kept."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule is applied: to how many queries and keys, beginning where in the sequence, in which row."""

    queries: int
    keys: int
    query_offset: int = 0
    key_offset: int = 0
    row: int = 0

    @property
    def index(self) -> Ints:
        """Of each query, how far behind the first key it stands, i32 [queries]."""
        return np.arange(self.queries, dtype=np.int32) + (self.query_offset - self.key_offset)


def spans(rule: str, tensors: Mapping[str, Any], place: Place) -> Spans:
    """What a rule lets each query see. Raises `NoRule` for one that is not understood."""
    try:
        return _spans(ast.parse(rule, mode="eval").body, tensors, place)
    except (SyntaxError, KeyError, ValueError) as error:
        raise NoRule(f"{rule}: {error}") from error


def words(rule: str, *, padded: bool = False) -> str:
    """A rule as a reader says it: `causal, within a sliding window of 4,096, without padding`; where there is padding,
    that it is hidden.
    """
    try:
        said = _words(ast.parse(rule, mode="eval").body)
        return said.replace(WORDS["padding"], HIDDEN) if padded else said
    except (SyntaxError, KeyError, ValueError):
        return rule


def _spans(node: ast.expr, tensors: Mapping[str, Any], place: Place) -> Spans:
    name, arguments = _call(node)
    if name in ("all", "any"):
        parts = (_spans(argument, tensors, place) for argument in arguments)
        return reduce(and_ if name == "all" else or_, parts)
    if name == "at":
        return _spans(arguments[1], {**tensors, "turned": tensors[_name(arguments[0])]}, place)
    if name == "chunks":
        return _chunks(_number(arguments[0]), tensors[_name(arguments[1])], tensors.get("turned"), place)
    if name in BOUNDS:
        low, high = BOUNDS[name](place.index, *map(_number, arguments))
        return runs(low, high, place.queries, place.keys)
    if name.startswith("padding"):
        return runs(0, place.keys, place.queries, place.keys).among(_line(tensors[name], place, fill=False) != 0)
    if name.startswith(("blocks", "packed")):
        return _groups(tensors[name], place, loose=name.startswith("blocks"))
    raise NoRule(f"{name} is not known")


BOUNDS: Mapping[str, Callable[..., tuple[Any, Any]]] = {
    "full": lambda index: (0, np.iinfo(np.int32).max),
    "causal": lambda index: (0, index + 1),
    "window": lambda index, size: (index - size + 1, np.iinfo(np.int32).max),
    "band": lambda index, size: (index - size, index + size + 1),
}
"""From where up to where a query sees, by its index among the keys."""


def _chunks(size: int, padding: Any, positions: Any, place: Place) -> Spans:
    """Chunks are counted from the first token that is no padding, or by the positions of packed sequences."""
    first = int(_of_row(padding, place.row))
    index = place.index + place.key_offset
    position = index if positions is None else _of_row(positions, place.row)[index]
    low = place.index - (position - first) % size
    return runs(low, low + size, place.queries, place.keys)


def _groups(ids: Any, place: Place, *, loose: bool) -> Spans:
    """Tokens of one group see each other; with `loose`, those of a negative group see nothing by this rule.

    Raises `NoRule` where a group is no run: no model makes such a mask, and it would be no span.
    """
    line = _line(ids, place, fill=-1)
    starts = np.flatnonzero(np.diff(line, prepend=line[:1] - 1))
    named = line[starts][line[starts] >= 0] if loose else line[starts]
    if len(np.unique(named)) < len(named):
        raise NoRule("a group is scattered")
    of_query = _of_row(ids, place.row)[place.index + place.key_offset]
    stops = np.append(starts[1:], len(line))
    run = np.searchsorted(starts, place.index, side="right") - 1
    low, high = starts[run], stops[run]
    return runs(low, np.where(of_query < 0, low, high) if loose else high, place.queries, place.keys)


def _line(tensor: Any, place: Place, *, fill: Any) -> Any:
    """A vector over the keys of a call from one over the whole sequence; what it does not reach is `fill`."""
    line = _of_row(tensor, place.row)[place.key_offset : place.key_offset + place.keys]
    return np.concatenate([line, np.full(place.keys - len(line), fill, line.dtype)]) if len(line) < place.keys else line


def _of_row(tensor: Any, row: int) -> Any:
    array = np.asarray(tensor)
    return array[row % array.shape[0]] if array.ndim else array


def _words(node: ast.expr) -> str:
    name, arguments = _call(node)
    if name == "all":
        said = sorted(map(_words, arguments), key=lambda word: (word != "causal", word.startswith("without")))
        return ", ".join(said)
    if name == "any":
        return "(" + ") or (".join(map(_words, arguments)) + ")"
    if name == "at":
        return _words(arguments[1])
    if name == "other":
        return f"{ast.literal_eval(arguments[0])}, which is not transformers' own"
    numbers = [f"{_number(argument):,}" for argument in arguments if isinstance(argument, ast.Constant)]
    return WORDS[name.rstrip("_")].format(*numbers)


HIDDEN = "padding hidden"

WORDS = {
    "full": "every key",
    "causal": "causal",
    "window": "within a sliding window of {}",
    "band": "within {} keys to either side",
    "chunks": "within chunks of {}",
    "blocks": "within one picture",
    "packed": "within one packed sequence",
    "padding": "without padding",
}


def _call(node: ast.expr) -> tuple[str, Sequence[ast.expr]]:
    if isinstance(node, ast.Call):
        return _name(node.func), node.args
    return _name(node), ()


def _name(node: ast.expr) -> str:
    if not isinstance(node, ast.Name):
        raise ValueError(f"a name was expected, not {ast.unparse(node)}")
    return node.id


def _number(node: ast.expr) -> int:
    return int(ast.literal_eval(node))


def hidden_runs(visible: Bools) -> tuple[int, int, int]:
    """How many keys are hidden at the start, inside and at the end."""
    starts, stops = runs_of(visible)
    if not len(starts):
        return len(visible), 0, 0
    left, right = int(starts[0]), len(visible) - int(stops[-1])
    return left, int((~visible).sum()) - left - right, right
