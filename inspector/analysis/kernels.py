"""The attention kernels of a trace: what each was given, read from the ports of its module's call.

Keys that a cache has grown are kept once; here they are put together again, for one row and one head at a time, from
the first call that has them whole and the rows that each later call added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from inspector.errors import TraceError
from inspector.trace import Call, TensorInfo, Trace, Value

if TYPE_CHECKING:
    from torch import Tensor

PORT = "attention."
GROWTH = ("start", "dropped", "before")
SINKS = ("s_aux", "sinks")
"""The names under which kernels are given what takes a share of every query's attention and is no key."""

NEEDED = (
    "*:attention.query",
    "*:attention.key*",
    *(f"*:attention.{name}" for name in SINKS),
    "*:attention.position_bias",
)
"""What has to be kept for probabilities; masks come from their rules, or are kept beside."""

_paths: WeakKeyDictionary[Trace, tuple[int, list[str]]] = WeakKeyDictionary()


class NotKept(TraceError):
    """A value that was not kept: `what` without the advice of the command line, which the screen has its own of."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} {advice}".rstrip())
        self.what = what


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel of one attention call was given.

    `query` is [batch, heads, queries, features], `key` [batch, key heads, keys, features]: several query heads may
    share one of the keys. `mask` is what the kernel got in its place: a tensor, None, or a few words.
    """

    trace: Trace
    call: Call
    query: TensorInfo
    key: TensorInfo
    mask: Value

    @property
    def path(self) -> str:
        return self.call.path

    @property
    def name(self) -> str:
        """transformers' name of the implementation: sdpa, eager, flash_attention_2, …"""
        return str(self.call.inputs[f"{PORT}kernel"])

    @property
    def batch(self) -> int:
        return max(self.query.shape[0], self.key.shape[0])

    @property
    def heads(self) -> int:
        return self.query.shape[1]

    @property
    def key_heads(self) -> int:
        return self.key.shape[1]

    @property
    def group(self) -> int:
        """How many query heads share one head of keys."""
        return max(1, self.heads // self.key_heads)

    @property
    def queries(self) -> int:
        return self.query.shape[2]

    @property
    def keys(self) -> int:
        return self.key.shape[2]

    @property
    def scaling(self) -> float:
        """What products of queries and keys are multiplied by."""
        given = self.number("scaling")
        return given if given is not None else float(self.query.shape[-1] ** -0.5)

    def number(self, name: str) -> float | None:
        """An argument of the kernel that is a number, such as `softcap` or `sliding_window`; None where it has none."""
        value = self.call.inputs.get(f"{PORT}{name}")
        return float(value) if isinstance(value, (int, float)) else None

    def flag(self, name: str) -> bool:
        return bool(self.call.inputs.get(f"{PORT}{name}"))

    def tensor(self, name: str) -> Tensor | None:
        """An argument that is a tensor; None where there is none, or where its value was not kept."""
        info = self.call.inputs.get(f"{PORT}{name}")
        return self.trace.values[info.value] if isinstance(info, TensorInfo) and info.value is not None else None

    def needed(self, name: str) -> Tensor | None:
        """An argument that probabilities depend on; None where there is none. Raises `NotKept` where it was
        not kept.
        """
        found = self.tensor(name)
        if found is None and isinstance(self.call.inputs.get(f"{PORT}{name}"), TensorInfo):
            raise _not_kept(self.trace, self.call, f"{PORT}{name}")
        return found

    def sinks(self) -> Tensor | None:
        """What every head and query gives to no key, as a score, [batch or 1, heads, queries or 1]; None without such.

        Raises `NotKept` where it was not kept.
        """
        found = next((sinks for name in SINKS if (sinks := self.needed(name)) is not None), None)
        if found is None:
            return None
        of_heads = found.numel() == self.heads  # one for each head, whatever its shape
        return found.reshape(1, self.heads, 1) if of_heads else found.reshape(found.shape[0], self.heads, -1)

    def state(self, name: str, row: int, head: int) -> Tensor:
        """The query, key or value of one row and one of its own heads, [tokens, features] in the kernel's dtype.

        Raises `NotKept` where it was not kept.
        """
        whole = self.tensor(name)
        if whole is not None:
            return whole[row % whole.shape[0], head]
        return grown(self.trace, self.call, name, row, head)


def kernels(trace: Trace, step: int = 0) -> list[Kernel]:
    """The attention calls of a step, in the order in which they ran."""
    found = []
    for path in kernel_paths(trace):
        for index in trace.occurrences(path):
            call = trace.calls[index]
            if call.step == step and (kernel := kernel_of(trace, call)) is not None:
                found.append(kernel)
    return sorted(found, key=lambda kernel: kernel.call.index)


def kernel_of(trace: Trace, call: Call) -> Kernel | None:
    """What the kernel of a call was given; None for a call without one."""
    query, key = call.inputs.get(f"{PORT}query"), call.inputs.get(f"{PORT}key")
    if not isinstance(query, TensorInfo) or not isinstance(key, TensorInfo):
        return None
    return Kernel(trace, call, query, key, call.inputs.get(f"{PORT}mask"))


def kernel_paths(trace: Trace) -> list[str]:
    """The attention modules that called a kernel, in the order in which they first did."""
    known = _paths.get(trace)
    if known is None or known[0] != len(trace.calls):
        paths = {call.path: None for call in trace.calls if f"{PORT}query" in call.inputs}
        _paths[trace] = known = (len(trace.calls), list(paths))
    return known[1]


def in_vision(trace: Trace, path: str) -> bool:
    """Whether a module belongs to a vision tower."""
    towers = [module.path for module in trace.modules if module.role == "vision_tower"]
    return any(path.startswith(f"{tower}.") for tower in towers)


def nothing(trace: Trace, step: int) -> str:
    """Why there is no attention to show."""
    steps = sorted({call.step for call in trace.calls})
    if step not in steps:
        return f"There is no step {step}; this trace has {len(steps)}, counted from 0."
    return (
        f"No module called one of transformers' attention kernels in step {step}: this model has attention of its own, "
        "or none."
    )


def grown(trace: Trace, call: Call, name: str, row: int, head: int) -> Tensor:
    """Keys or values that a cache has grown, of one row and head, put together: [tokens, features]."""
    import torch

    pieces = sorted(_pieces(trace, call, name), key=lambda piece: piece[0])
    parts = [tensor[row % tensor.shape[0], head, source.start : source.stop] for _, source, tensor in pieces if source]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _pieces(trace: Trace, call: Call, name: str) -> Iterator[tuple[int, range, Tensor]]:
    """Where each piece stands, which of its rows, and the kept tensor: from the last call back to the first."""
    port = f"{PORT}{name}"
    info = call.inputs[port]
    assert isinstance(info, TensorInfo)
    missing = [(0, range(info.shape[2]))]  # place in the whole, rows of the call that is looked at
    while missing:
        whole = call.inputs[port]
        if isinstance(whole, TensorInfo) and whole.value is not None:
            yield from ((place, rows, trace.values[whole.value]) for place, rows in missing)
            return
        new = call.inputs.get(f"{port}_rows")
        if not isinstance(new, TensorInfo) or new.value is None:
            raise _not_kept(trace, call, port)
        start, dropped, before = (int(str(call.inputs[f"{port}_grown.{key}"])) for key in GROWTH)
        stop = start + new.shape[2]
        older: list[tuple[int, range]] = []
        for place, rows in missing:
            if inside := range(max(rows.start, start), min(rows.stop, stop)):
                rest = range(inside.start - start, inside.stop - start)
                yield place + inside.start - rows.start, rest, trace.values[new.value]
            around = range(rows.start, min(rows.stop, start)), range(max(rows.start, stop), rows.stop)
            older += [
                (place + part.start - rows.start, range(part.start + dropped, part.stop + dropped))
                for part in around
                if part
            ]
        missing, call = older, trace.calls[before]


def _not_kept(trace: Trace, call: Call, port: str) -> NotKept:
    if trace.model.shape_only:
        return NotKept("The model ran without weights (shape-only): its queries and keys have a shape and no values.")
    given = [glob for glob in NEEDED if glob.removeprefix("*:").rstrip("*") in call.inputs]
    globs = " ".join(f"--values '{glob}'" for glob in given)
    return NotKept(f"The value of {call.path} {port} was not kept.", f"Trace again with {globs}.")
