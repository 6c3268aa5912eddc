"""What else can record during a forward, beside the hooks on modules: the seam behind `inspector_probes`.

A probe writes further ports on the calls that are running, with a `Pen`. The probe of attention kernels ships with the
recorder; plugins add their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

from inspector.recording.keeper import SMALL, VALUES
from inspector.recording.notes import Fact, Notes

if TYPE_CHECKING:
    from inspector.recording.wanted import Wanted


class Probe(Protocol):
    """Something that records during a forward."""

    def attach(self, pen: Pen) -> AbstractContextManager[object]:
        """Record on the modules of `pen` while the context is open, and leave nothing attached when it closes.

        The context is entered before the first forward and left after the last, also when one raised. What runs in
        between must neither change a result nor raise.
        """
        ...


class Pen:
    """Writes ports on the calls of the forward that is running. `modules` are (path, module) pairs."""

    def __init__(
        self,
        modules: Sequence[tuple[str, nn.Module]],
        rows: list[list[Any]],
        stack: list[int],
        notes: Notes,
        wanted: Wanted,
        notices: list[str],
        thread: Callable[[], int],
    ) -> None:
        """All but `modules` and `wanted` are the recorder's own, which go on changing. `thread` tells the forward's."""
        self.modules = modules
        self._numbers = {id(module): number for number, (_, module) in enumerate(modules)}
        self._rows = rows
        self._stack = stack
        self._notes = notes
        self._wanted = wanted
        self._notices = notices
        self._thread = thread

    def call(self, module: nn.Module | None = None) -> int | None:
        """The innermost call that is running, or the innermost one of `module`; None where there is none, or where
        another thread runs the model beside the forward that is recorded.
        """
        stack = self._stack
        if not stack or get_ident() != self._thread():
            return None
        if module is None:
            return stack[-1]
        number = self._numbers.get(id(module))
        if self._rows[stack[-1]][0] == number:
            return stack[-1]
        return next((index for index in reversed(stack) if self._rows[index][0] == number), None)

    def ports(self, call: int) -> dict[str, Any]:
        """The further ports of a call, to be written: notes by port. Notes in lists and dicts become ports of their own
        (`{"attention": {"query": …}}` is `attention.query`).
        """
        row = self._rows[call]
        if row[-1] is None:
            row[-1] = {}
        found: dict[str, Any] = row[-1]
        return found

    def note(self, thing: Any, level: int = 0) -> Any:
        """Notes of anything; `level` says what is kept of tensors (see `wanted`)."""
        return self._notes.inside(thing, level) if isinstance(thing, Tensor) else self._notes.value(thing, None, level)

    def small(self, tensor: Tensor, level: int = 0) -> Fact:
        """`note` of a tensor whose value is kept, whatever was asked, where it is as small as ids and grids are."""
        small = tensor.nbytes <= SMALL
        fact = self._notes.inside(tensor, level | VALUES if small else level)
        fact.small = small
        return fact

    def made(self, tensor: Tensor, call: int, port: str) -> Fact:
        """Notes of a tensor that the probe saw come about: at `port` of `call`, which counts as its maker."""
        fact = self._notes.tensor(tensor, call, 0)
        if fact.call == call and fact.first is None and fact.port is None:
            fact.port = port
        return fact

    def wanted(self, module: nn.Module, port: str) -> int:
        """What is to be kept of the tensor at a port of a module, as bits (`keeper.STATS`, `keeper.VALUES`)."""
        return self._wanted.level_at(self.modules[self._numbers[id(module)]][0], port)

    def notice(self, text: str) -> None:
        """Say something that the reader of the trace must know, once."""
        if text not in self._notices:
            self._notices.append(text)
