"""Records what attention kernels really get, while the kernel that the user chose goes on running.

The ports stand on the call of the attention module: `attention.query`, `attention.key`, `attention.value`,
`attention.mask` and, as they were passed, `attention.scaling`, `attention.is_causal` and the rest. Masks stand on the
call in which they were made: `masks[0].rule` and so on, also where transformers then left the mask out. Values are kept
on request only, except for masks that are small.

Keys that a cache has grown are kept once, where `attention.key*` is asked for: from the second step on
`attention.key_rows` are the rows that are new, and `attention.key_grown` says which call has the rest (`before`), how
many of its rows went off the front (`dropped`) and where the new ones stand (`start`). The same holds for values.

A module that calls its kernel several times, once for each window of a vision tower, has its queries, keys and values
put together along the sequence; `attention.lengths` i64 [calls, 2] says how many queries and keys each call got. One
that calls it again with the same queries and keys, for other values, has the first call's; `attention.calls` says how
many there were.
"""

from __future__ import annotations

import copy
import sys
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from inspector.recording.appended import Appended
from inspector.recording.interfaces import Kernel, listen
from inspector.recording.keeper import VALUES
from inspector.recording.mask_functions import describe
from inspector.recording.notes import SCALARS, Fact
from inspector.recording.probes import Pen

POSITIONAL = ("query", "key", "value", "attention_mask")
"""The arguments that every kernel of transformers takes behind its module."""

BESIDE_THE_POINT = frozenset({"use_cache", "output_attentions", "output_hidden_states", "return_dict"})
"""Arguments that models hand on to whatever they call, and that no kernel reads."""

STATES = ("query", "key", "value")
PORT = "attention"
MOST_EARLY = 8
"""Masks that may have been made before the forward that uses them."""


class AttentionProbe:
    """The probe of attention kernels and masks."""

    @contextmanager
    def attach(self, pen: Pen) -> Iterator[None]:
        listening = Listening(pen)
        kernels = {id(module): listening.kernel for _, module in pen.modules}
        configs = {id(config) for _, module in pen.modules if (config := getattr(module, "config", None)) is not None}
        with listen(kernels, dict.fromkeys(configs, listening.mask)):
            try:
                yield
            finally:
                listening.finish()


class Listening:
    """What one recording has heard so far."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._levels: dict[int, tuple[int, ...]] = {}
        self._grown: dict[tuple[int, str], Appended] = {}
        self._split: Split | None = None
        self._last: tuple[weakref.ref[Tensor], ...] = ()
        self._made: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._early: list[tuple[Kernel, Mapping[str, Any], Any, str]] = []

    def kernel(
        self, name: str, kernel: Kernel, module: nn.Module, args: tuple[Any, ...], given: Mapping[str, Any]
    ) -> None:
        """A kernel is about to run."""
        with torch._C.DisableTorchFunction():  # our own looks at tensors are not the model's
            try:
                self._kernel(name, module, args, given)
            except Exception as error:
                self._pen.notice(f"An attention kernel ({name}) could not be noted: {type(error).__name__}: {error}")

    def mask(self, function: Kernel, given: Mapping[str, Any], mask: Any) -> None:
        """A mask function has run."""
        maker = sys._getframe(2).f_code.co_name
        with torch._C.DisableTorchFunction():
            try:
                self._mask(function, given, mask, maker)
            except Exception as error:
                self._pen.notice(f"A mask could not be noted ({maker}): {type(error).__name__}: {error}")

    def finish(self) -> None:
        """Put together what several calls of a kernel got."""
        if self._split is not None:
            self._split.join()
            self._split = None

    def _kernel(self, name: str, module: nn.Module, args: tuple[Any, ...], given: Mapping[str, Any]) -> None:
        call = self._pen.call(module)
        if call is None:
            return
        if len(args) != len(POSITIONAL):
            named = {**dict(zip(POSITIONAL, args, strict=False)), **given}
            args = tuple(named.pop(argument, None) for argument in POSITIONAL)
            given = named
        ports = self._pen.ports(call)
        if PORT in ports:
            self._again(call, ports[PORT], *args)
            return
        if self._split is not None:
            self.finish()
        while self._early:
            self._mask(*self._early.pop(0), self._pen.call(self._pen.modules[0][1]))
        ports[PORT] = self._notes(name, module, args, given, call)
        self._last = weakref.ref(args[0]), weakref.ref(args[1])

    def _notes(self, name: str, module: nn.Module, args: tuple[Any, ...], given: Mapping[str, Any], call: int) -> Any:
        query, key, value, mask = args
        levels = self._levels.get(id(module)) or self._wanted(module)
        note = self._pen.note
        noted: dict[str, Any] = {"kernel": name, "query": note(query, levels[0])}
        if (levels[1] | levels[2]) & VALUES:
            self._note_grown(noted, "key", key, query, (module, call, levels[1]))
            self._note_grown(noted, "value", value, query, (module, call, levels[2]))
        else:
            noted["key"], noted["value"] = note(key, levels[1]), note(value, levels[2])
        noted["mask"] = seen = self._pen.small(mask, levels[3]) if isinstance(mask, Tensor) else note(mask)
        if mask is not None and getattr(seen, "call", None) is None:  # else its origin tells who made it
            there, made = self._made.get(id(mask), (None, ""))
            if there is not None and there() is mask:
                noted["mask_made"] = made
        for argument, item in given.items():
            if item is not None and argument not in BESIDE_THE_POINT:
                noted[argument] = item if type(item) in SCALARS else note(item, self._level(module, argument, item))
        if "is_causal" not in noted:
            noted["is_causal"] = bool(getattr(module, "is_causal", True))
        return noted

    def _note_grown(
        self, noted: dict[str, Any], name: str, tensor: Tensor, query: Tensor, place: tuple[nn.Module, int, int]
    ) -> None:
        """Keys or values that a cache may have grown: whole the first time, then what is new of them."""
        module, call, level = place
        growth = None
        rows = f"{name}_rows"
        if level & self._pen.wanted(module, f"{PORT}.{rows}") & VALUES and not tensor.is_meta:
            grown = self._grown.setdefault((id(module), name), Appended())
            growth = grown.growth(tensor, query.shape[2], call)
        noted[name] = self._pen.note(tensor, level if growth is None else level & ~VALUES)
        if growth is not None:
            noted[rows] = self._pen.note(tensor[:, :, growth.start : growth.stop], level)
            noted[f"{name}_grown"] = {"before": growth.before, "dropped": growth.dropped, "start": growth.start}

    def _again(self, call: int, noted: dict[str, Any], query: Tensor, key: Tensor, value: Tensor, mask: Any) -> None:
        """A further kernel call of the same module call: the next piece of the sequence, or the same queries and keys
        with other values. What else it may be is not shown.
        """
        last = [there for ref in self._last if (there := ref()) is not None]
        ahead = [_ahead(tensor, before) for tensor, before in zip((query, key), last, strict=False)]
        if ahead == [0, 0]:
            noted["calls"] = noted.get("calls", 1) + 1
            return
        if not last or ahead != [before.shape[2] for before in last]:
            self._pen.notice("A module called its attention kernel several times: only the first call is shown.")
            return
        if self._split is None or self._split.call != call:
            self.finish()
            self._split = Split(self._pen, call, noted)
        self._split.add(query, key, value, mask)
        self._last = weakref.ref(query), weakref.ref(key)

    def _wanted(self, module: nn.Module) -> tuple[int, ...]:
        """What is kept of query, key, value and mask."""
        found = tuple(self._pen.wanted(module, f"{PORT}.{port}") for port in (*STATES, "mask"))
        self._levels[id(module)] = found
        return found

    def _level(self, module: nn.Module, argument: str, item: Any) -> int:
        """What is kept of an argument beside the states: sinks, a position bias."""
        floating = isinstance(item, Tensor) and item.is_floating_point()
        return self._pen.wanted(module, f"{PORT}.{argument}") if floating else 0

    def _mask(self, function: Kernel, given: Mapping[str, Any], mask: Any, maker: str, call: int | None = None) -> None:
        """Write down the rule of a mask at the call that makes it; one that `generate` makes beforehand waits, for the
        call of the whole model.
        """
        call = self._pen.call() if call is None else call
        if call is None:
            self._early = [*self._early[1 - MOST_EARLY :], (function, given, mask, maker)]
            return
        made = self._pen.ports(call).setdefault("masks", [])
        rule, tensors = describe(given.get("mask_function"), given.get("attention_mask"))
        noted = {
            "maker": maker,
            "function": getattr(function, "__name__", type(function).__name__),
            "rule": rule,
            "queries": given.get("q_length"),
            "keys": given.get("kv_length"),
            "query_offset": self._pen.note(given.get("q_offset", 0)),
            "key_offset": self._pen.note(given.get("kv_offset", 0)),
            "skipped": mask is None,
            **{name: self._pen.note(tensor) for name, tensor in tensors.items()},
        }
        if isinstance(mask, Tensor):
            noted["made"] = self._pen.made(mask, call, f"masks[{len(made)}].made")
        if mask is not None:
            self._made[id(mask)] = weakref.ref(mask), f"{call}/masks[{len(made)}]"
        made.append(noted)


class Split:
    """The kernel calls of one module call: how long each was and, where they are kept, its states."""

    def __init__(self, pen: Pen, call: int, noted: dict[str, Any]) -> None:
        self.call = call
        self._pen = pen
        self._noted = noted
        self._kept = [name for name in STATES if _held(noted.get(name))]
        self._pieces: dict[str, list[Tensor]] = {name: [] for name in self._kept}
        self._masks = 0 if noted.get("mask") is None else 1
        self._lengths = [(noted["query"].shape[2], noted["key"].shape[2])]

    def add(self, query: Tensor, key: Tensor, value: Tensor, mask: Any) -> None:
        self._lengths.append((query.shape[2], key.shape[2]))
        self._masks += mask is not None
        for name, tensor in zip(STATES, (query, key, value), strict=True):
            if name in self._kept:
                self._pieces[name].append(tensor.clone(memory_format=torch.contiguous_format))

    def join(self) -> None:
        """One query, key and value, as if the kernel had been called once."""
        noted, lengths = self._noted, torch.tensor(self._lengths)
        noted["lengths"] = self._pen.note(lengths)
        for name, side in zip(STATES, (0, 1, 1), strict=True):
            first: Fact = noted[name]
            if name in self._kept:
                assert first.held is not None
                whole = torch.cat([first.held.read().to(self._pieces[name][0].device), *self._pieces[name]], dim=2)
                noted[name] = self._pen.note(whole, VALUES)
            else:
                noted[name] = joined = copy.copy(first)
                joined.shape = torch.Size((*first.shape[:2], int(lengths[:, side].sum()), *first.shape[3:]))
        if self._masks:
            noted["mask"] = f"{self._masks} masks, one for each kernel call"


def _ahead(tensor: Tensor, before: Tensor) -> int | None:
    """How many places along the sequence a tensor begins behind another that was cut from the same one; None where it
    was not.
    """
    if tensor.untyped_storage()._cdata != before.untyped_storage()._cdata or tensor.stride() != before.stride():
        return None
    places, rest = divmod(int(tensor.storage_offset() - before.storage_offset()), tensor.stride(2) or 1)
    return None if rest else places


def _held(note: Any) -> bool:
    return isinstance(note, Fact) and note.held is not None
