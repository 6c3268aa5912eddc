"""Records every module call of a model, through forward hooks, and leaves nothing attached.

The hooks run between the user's modules, so they do as little as they can: they take notes (`notes.py`) in one list a
call. `report.py` makes records of them afterwards. A hook raises only to stop a forward that the user cancelled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event, get_ident
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from inspector.errors import Cancelled
from inspector.recording.attention import AttentionProbe
from inspector.recording.cache import CacheProbe
from inspector.recording.clock import Clocks
from inspector.recording.flow import Flow
from inspector.recording.keeper import Keeper
from inspector.recording.notes import SCALARS, Notes
from inspector.recording.probes import Pen, Probe
from inspector.recording.rows import END, ERROR, MEMORY, OUTPUT, START, Row
from inspector.recording.state import StateProbe
from inspector.recording.wanted import Wanted


class Recorder:
    """Attaches on entering, detaches on leaving, whatever happens between.

    `modules` holds the (path, module) pairs that the numbers of `rows` index.
    `exception` is the last that came through a module. `on_call` is called with the number of calls begun so far;
    setting `cancel` makes the next call raise `Cancelled`. `probes` record beside the hooks, after those of attention
    kernels, of caches and of what the model remembers.
    """

    def __init__(
        self,
        model: nn.Module,
        wanted: Wanted | None = None,
        *,
        probes: Sequence[Probe] = (),
        on_call: Callable[[int], None] | None = None,
        cancel: Event | None = None,
    ) -> None:
        self.model = model
        self.wanted = wanted = wanted or Wanted()
        self.modules: list[tuple[str, nn.Module]] = list(model.named_modules())
        self.keeper = Keeper(wanted.budget)
        self.exception: BaseException | None = None
        self.notices: list[str] = []
        self.clocks = Clocks(model)
        self._probes: tuple[Probe, ...] = (AttentionProbe(), StateProbe(), CacheProbe(), *probes)
        self._on_call = on_call
        self._cancel = cancel
        self._rows: list[list[Any]] = []
        self._notes = Notes(self.keeper)
        self._notes.flow = Flow(self._notes.facts) if wanted.flow else None
        self._stack: list[int] = []
        self._thread = 0
        self._attached_now = False
        self._about: dict[nn.Module, Any] = {}
        self._step = -1
        self._outer: BaseException | None = None
        self._attached = ExitStack()
        on_gpu = self.clocks.device.type == "cuda"
        self._measures_memory = on_gpu and wanted.memory and (wanted.stats or bool(wanted.values))

    def last_step(self) -> int:
        """The number of the last forward that was recorded, -1 before the first."""
        return self._step

    def __enter__(self) -> Recorder:
        self._outer = sys.exc_info()[1]
        with ExitStack() as attached:
            before, after = self._hooks()
            attached.callback(self._about.clear)  # copies made meanwhile have taken the hooks along
            attached.enter_context(eager(self.modules, self.notices))
            for _, module in self.modules:
                if isinstance(module, torch.jit.ScriptModule):
                    self.notices.append(f"{type(module).__name__} is TorchScript, which takes no hooks: not recorded.")
                    continue
                first = module.register_forward_pre_hook(before, with_kwargs=True, prepend=False)
                attached.callback(first.remove)
                last = module.register_forward_hook(after, with_kwargs=True, always_call=True)
                attached.callback(last.remove)
            self._attach_probes(attached)
            if self._notes.flow is not None:
                attached.enter_context(self._notes.flow)
            self._attached = attached.pop_all()
        self._attached_now = True
        return self

    def _attach_probes(self, attached: ExitStack) -> None:
        pen = Pen(self.modules, self._rows, self._stack, self._notes, self.wanted, self.notices, lambda: self._thread)
        for probe in self._probes:
            try:
                attached.enter_context(probe.attach(pen))
            except Exception as error:  # a probe of a plugin must not stop the user's model
                self.notices.append(f"{type(probe).__name__} records nothing: {type(error).__name__}: {error}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._attached_now = False
        self._attached.close()
        self.clocks.synchronize()
        for index in self._stack:  # a BaseException, such as Ctrl-C, passes torch's own clean-up by
            self._rows[index][ERROR] = type(error).__name__ if error is not None else "left open"
        self._stack.clear()
        self.keeper.finish()

    @property
    def rows(self) -> list[Row]:
        """The calls so far, in the order in which they began."""
        return [Row(*row) for row in self._rows]

    def _hooks(self) -> tuple[Callable[..., None], Callable[..., None]]:
        """The two hooks, the same for every module: a pair for each would be cold memory at each call.

        They are the code that runs between the user's modules. What they use is bound to them, and the commonest case,
        one tensor that was met before, is told apart first.
        """
        self._about = {
            module: (
                number,
                self.wanted.level(path, "input"),
                self.wanted.level(path, "output"),
                self.clocks.of(module).mark,
            )
            for number, (path, module) in enumerate(self.modules)
        }
        before, after = self._before(self._about), self._after(self._about)
        return (before, after) if self._notes.flow is None else (_unwatched(before), _unwatched(after))

    def _before(self, about: dict[nn.Module, Any]) -> Callable[..., None]:
        rows, stack = self._rows, self._stack
        note, facts = self._notes.value, self._notes.facts
        watched = self._on_call is not None or self._cancel is not None

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            entry = about.get(module)
            if entry is None or (stack and get_ident() != self._thread):
                self._missed(module)
                return
            if not stack:
                self._thread = get_ident()
            number, level, _, mark = entry
            if not number:  # the model itself
                self._step += 1
                self._notes.begin_step()
            noted: list[Any] = []
            named: dict[str, Any] = {}
            try:
                for arg in args:
                    fact = facts.get(id(arg))
                    known = fact is not None and fact.level == level == 0 and fact.ref() is arg
                    noted.append(fact if known else note(arg, None, level))
                for name, arg in kwargs.items():
                    if type(arg) in SCALARS:
                        named[name] = arg
                        continue
                    fact = facts.get(id(arg))
                    known = fact is not None and fact.level == level == 0 and fact.ref() is arg
                    named[name] = fact if known else note(arg, None, level)
            except Exception as error:  # an object that cannot be described must not stop the user's model
                self._stumbled(number, error)
            row = [number, stack[-1] if stack else None, self._step, noted, named, None, None, None, None, None, None]
            stack.append(len(rows))
            rows.append(row)
            row[START] = mark()
            if watched:
                self._watch()

        return before

    def _after(self, about: dict[nn.Module, Any]) -> Callable[..., None]:
        rows, stack = self._rows, self._stack
        note, note_tensor = self._notes.value, self._notes.tensor
        device = self.clocks.device if self._measures_memory else None

        def after(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            entry = about.get(module)
            if entry is None or get_ident() != self._thread:
                return
            number, _, level, mark = entry
            end = mark()
            if not (stack and rows[stack[-1]][0] == number) and not self._unwind(number):
                return
            index = stack.pop()
            row = rows[index]
            row[END] = end
            if output is None and self._raised(module, row):
                return
            try:
                row[OUTPUT] = (note_tensor if type(output) is Tensor else note)(output, index, level)
            except Exception as error:
                self._stumbled(number, error)
            if device is not None:
                row[MEMORY] = torch.cuda.memory_allocated(device)

        return after

    def _unwind(self, number: int) -> bool:
        """Leave the calls that are still open inside the innermost call of a module: a BaseException passed them by.

        False when the module has no open call: a pre-hook of somebody else's raised before this recorder's ran.
        """
        if all(self._rows[index][0] != number for index in self._stack):
            return False
        while self._rows[self._stack[-1]][0] != number:
            self._rows[self._stack.pop()][ERROR] = "left open"
        return True

    def _missed(self, module: nn.Module) -> None:
        """A call that is left out: of a copy that took the hooks along, or beside the forward that is recorded."""
        if self._attached_now and MISSED not in self.notices:
            self.notices.append(MISSED)

    def _raised(self, module: nn.Module, row: list[Any]) -> bool:
        """Whether a module without an output raised; torch calls hooks while it handles the exception.

        A module may also return None, perhaps inside somebody's `except` block: then the exception being handled did
        not come through this module's own forward.
        """
        error = sys.exc_info()[1]
        if error is None or error is self._outer or not passed_through(error, module):
            return False
        if type(error).__name__ == "_StopRecomputationError":  # how gradient checkpointing ends its second forward
            return True
        row[ERROR] = type(error).__name__
        self.exception = error
        return True

    def _watch(self) -> None:
        if self._on_call is not None:
            self._on_call(len(self._rows))
        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled("The forward was stopped.")

    def _stumbled(self, number: int, error: Exception) -> None:
        path = self.modules[number][0] or "the model"
        self.notices.append(f"What passed {path} could not be noted: {type(error).__name__}: {error}")


MISSED = "Calls on another thread, or of copies of the model, ran beside the recorded forward: they are left out."


@contextmanager
def eager(modules: Sequence[tuple[str, nn.Module]], notices: list[str]) -> Iterator[None]:
    """Run what `torch.compile` has compiled uncompiled, so that its modules are called at all; `notices` says so."""
    compiled = [
        path
        for path, module in modules
        if type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None
    ]
    if not compiled:
        yield
        return
    notices.append(f"{compiled[0] or 'The model'} is compiled; it ran uncompiled while it was recorded.")
    with torch.compiler.set_stance("force_eager"):
        yield


def passed_through(error: BaseException, module: nn.Module) -> bool:
    """Whether an exception came through a method of a module."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_argcount and trace.tb_frame.f_locals.get(code.co_varnames[0]) is module:
            return True
        trace = trace.tb_next
    return False


def _unwatched(hook: Callable[..., None]) -> Callable[..., None]:
    """A hook whose own looks at tensors are not taken for the model's."""

    def silent(*args: Any) -> None:
        with torch._C.DisableTorchFunction():
            hook(*args)

    return silent
