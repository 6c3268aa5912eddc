"""From the notes of a recorder to the records of a trace."""

from __future__ import annotations

import inspect
import linecache
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from types import FrameType
from typing import Any

from torch import Tensor, nn

from inspector.analysis.stats import stats_of
from inspector.errors import near
from inspector.recording.keeper import SMALL, Held, HeldValues
from inspector.recording.notes import INTEGERS, Fact, flatten
from inspector.recording.recorder import Recorder, passed_through
from inspector.recording.rows import Row
from inspector.trace import Call, Failure, Module, Stats, TensorInfo, Value

Roles = Callable[[str, nn.Module], str | None]


class Report:
    """Calls, kept values and failure of a finished recording. Ports and keys are named once, when it is made."""

    def __init__(self, recorder: Recorder, roles: Roles) -> None:
        self._recorder = recorder
        self._rows = recorder.rows
        self._roles = {path: roles(path, module) for path, module in recorder.modules}
        self._ports = [_ports(row, recorder.modules[row.number][1]) for row in self._rows]
        self._name_orders()
        self._parents = {row.parent for row in self._rows}
        self._stats: dict[Held, Stats] = {}
        self._name_origins()
        recorder.notices += self._unmatched()
        self.values: HeldValues = recorder.keeper.values(self._name_values())

    def modules(self) -> list[Module]:
        """Every module of the model with its size; parameters that it shares with itself count once."""
        return [
            Module(path, type(module).__name__, self._roles[path], *size_of(module))
            for path, module in self._recorder.modules
        ]

    def calls(self) -> list[Call]:
        """The calls in the order in which they began."""
        depths: list[int] = []
        calls = []
        for index, (row, (inputs, outputs)) in enumerate(zip(self._rows, self._ports, strict=True)):
            depths.append(0 if row.parent is None else depths[row.parent] + 1)
            path, module = self._recorder.modules[row.number]
            calls.append(
                Call(
                    index=index,
                    step=max(row.step, 0),
                    parent=row.parent,
                    depth=depths[index],
                    path=path,
                    class_name=type(module).__name__,
                    role=self._roles[path],
                    inputs={port: self._value(note, (index, port)) for port, note in inputs.items()},
                    outputs={port: self._value(note, (index, port)) for port, note in outputs.items()},
                    seconds=None if row.end is None else self._recorder.clocks.of(module).seconds(row.start, row.end),
                    memory=row.memory,
                    error=row.error,
                )
            )
        return calls

    def failure(self) -> Failure | None:
        """Where the forward raised; None when it did not, or when it was stopped on purpose."""
        error = self._recorder.exception
        index = None if error is None else self._failed_call(error)
        if error is None or index is None:
            return None
        path, module = self._recorder.modules[self._rows[index].number]
        file, line, frame_locals = _place(error)
        ports = {port: self._value(note, (index, port)) for port, note in self._ports[index][0].items()}
        return Failure(
            path=path,
            class_name=type(module).__name__,
            error=type(error).__name__,
            message=str(error),
            file=file,
            line=line,
            code=linecache.getline(file, line).strip() if file and line else None,
            call=index,
            ports=ports | {f"local.{name}": info for name, info in frame_locals.items()},
        )

    def _failed_call(self, error: BaseException) -> int | None:
        """The innermost call that the exception came through, of a forward that it ended."""
        last = max((index for index, row in enumerate(self._rows) if row.parent is None), default=None)
        inner = [last] if last is not None and self._rows[last].error is not None else []
        index = None
        while inner:
            index = inner[-1]
            inner = [
                child
                for child, row in enumerate(self._rows)
                if row.parent == index and row.error and passed_through(error, self._recorder.modules[row.number][1])
            ]
        return index

    def _name_orders(self) -> None:
        """Give the index by which a call put rows in order a port of its own, beside that of the rows."""
        for index, (_, outputs) in enumerate(self._ports):
            for port, note in list(outputs.items()):
                if isinstance(note, Fact) and note.order is not None and note.call == index:
                    outputs[f"{port}.order"] = note.order

    def _name_origins(self) -> None:
        for index, (_, outputs) in enumerate(self._ports):
            for port, note in outputs.items():
                if isinstance(note, Fact) and note.call == index and (first := note.first or note).port is None:
                    first.port = port

    def _name_values(self) -> Mapping[str, Held]:
        """Kept values under the first port at which each was seen, leaving out what only came along with a module."""
        wanted, named = self._recorder.wanted, {}
        for index, ports in enumerate(self._ports):
            path = self._recorder.modules[self._rows[index].number][0]
            for port, note in [*ports[0].items(), *ports[1].items()]:
                held = note.held if isinstance(note, Fact) else None
                if held is None:
                    continue
                if held.key is None and (_is_small(note) or wanted.port(path, port)):
                    held.key = f"{index}/{port}"
                if held.key is not None:
                    named[held.key] = held
        return named

    def _value(self, note: Any, place: tuple[int, str]) -> Value:
        if not isinstance(note, Fact):
            return note  # type: ignore[no-any-return]
        origin = _origin(note)
        if origin == place or (note.inner and origin is not None and self._is_inside(place[0], origin[0])):
            origin = None
        way = None if origin or self._is_plain_result(place) else note.way
        return TensorInfo(
            shape=tuple(note.shape),
            dtype=str(note.dtype).removeprefix("torch."),
            device=str(note.device),
            stats=self._stats_of(note),
            origin=origin,
            sources=() if way is None else tuple(filter(None, map(_origin, way.sources))),
            via=() if way is None else way.functions,
            value=None if note.held is None else note.held.key,
        )

    def _is_inside(self, call: int, outer: int) -> bool:
        """Whether a call runs inside another, which then cannot have made what went into it."""
        parent = self._rows[call].parent
        return parent is not None and (parent == outer or self._is_inside(parent, outer))

    def _unmatched(self) -> Iterator[str]:
        """A sentence for each glob that asked for values where there is nothing."""
        paths = [path for path, _ in self._recorder.modules]
        wanted = self._recorder.wanted
        for glob in (glob for glob in wanted.values if glob not in wanted.optional):
            modules, _, ports = glob.partition(":")
            found = [path for path in paths if fnmatchcase(path, modules)]
            if not found:
                yield f"No module matches the values asked for, {glob!r}.{near(modules, paths)}"
            elif ports:
                yield from self._unmatched_ports(glob, set(found), ports)

    def _unmatched_ports(self, glob: str, found: set[str], ports: str) -> Iterator[str]:
        """The same of the ports of calls of these modules; what never ran has none."""
        names: dict[str, str] = {}  # with the module that has such a port
        for row, sides in zip(self._rows, self._ports, strict=True):
            path = self._recorder.modules[row.number][0]
            if path in found:
                names |= {port: path for side in sides for port in side if port not in names}
        if names and not any(fnmatchcase(name, ports.replace("[", "[[]")) for name in names):
            meant = "" if "*" in ports else near(ports, names)
            yield f"No port of {next(iter(names.values())) or 'the model'} matches {glob!r}.{meant}"

    def _is_plain_result(self, place: tuple[int, str]) -> bool:
        """Whether a port is the output of a module without parts: of course it was made from the inputs."""
        return place[1].startswith("output") and place[0] not in self._parents

    def _stats_of(self, note: Fact) -> Stats | None:
        if note.pending is not None:
            return note.pending.stats()
        if note.held is None or note.held.key is None:
            return None
        if note.held not in self._stats:
            self._stats[note.held] = stats_of(note.held.read())
        return self._stats[note.held]


def failure_of(error: BaseException, modules: Sequence[tuple[str, nn.Module]]) -> Failure | None:
    """Where a forward raised that nobody recorded: as far as the exception itself tells, without the failing call."""
    through = [(path, module) for path, module in modules if passed_through(error, module)]
    if not through:
        return None
    path, module = through[-1]
    file, line, frame_locals = _place(error)
    return Failure(
        path=path,
        class_name=type(module).__name__,
        error=type(error).__name__,
        message=str(error),
        file=file,
        line=line,
        code=linecache.getline(file, line).strip() if file and line else None,
        ports={f"local.{name}": info for name, info in frame_locals.items()},
    )


def size_of(module: nn.Module) -> tuple[int, int]:
    """Number of parameters of a module and its children, and their bytes; a shared one counts once."""
    parameters = list(module.parameters())
    return sum(item.numel() for item in parameters), sum(item.numel() * item.element_size() for item in parameters)


def _ports(row: Row, module: nn.Module) -> tuple[dict[str, Any], dict[str, Any]]:
    names = parameter_names(getattr(type(module), "forward", None))
    inputs: dict[str, Any] = {}
    for position, note in enumerate(row.args):
        inputs.update(flatten(f"input.{names[position]}" if position < len(names) else f"input[{position}]", note))
    for name, note in row.kwargs.items():
        inputs.update(flatten(f"input.{name}", note))
    for name, note in (row.ports or {}).items():
        inputs.update(flatten(name, note))
    returned = row.end is not None and row.error is None
    return inputs, dict(flatten("output", row.output)) if returned else {}


@lru_cache(maxsize=4096)
def parameter_names(forward: Callable[..., Any] | None) -> tuple[str, ...]:
    """Names of the positional parameters of a `forward`, without `self`; as far as they can be told."""
    try:
        parameters = list(inspect.signature(forward).parameters.values())[1:] if forward is not None else []
    except (TypeError, ValueError):
        return ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(parameter.name for parameter in parameters if parameter.kind in positional)


def _place(error: BaseException) -> tuple[str | None, int | None, dict[str, TensorInfo]]:
    """File and line of the innermost frame of the model's own code, with the tensors that it had made by then.

    That is a function whose first argument is a module: a method, or an attention kernel; not a helper that was called
    to check something. Where there is none, the innermost frame that is neither torch's nor ours.
    """
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if not _is_ours(frame)]
    if not frames:
        return None, None, {}
    frame, line = next(((frame, line) for frame, line in reversed(frames) if _is_of_module(frame)), frames[-1])
    return frame.f_code.co_filename, line, dict(_local_tensors(frame.f_locals))


def _is_of_module(frame: FrameType) -> bool:
    code = frame.f_code
    return bool(code.co_argcount) and isinstance(frame.f_locals.get(code.co_varnames[0]), nn.Module)


def _is_ours(frame: FrameType) -> bool:
    """Whether a frame is torch's or this program's: neither is where the user's model went wrong."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("torch", "inspector")


def _local_tensors(names: Mapping[str, Any]) -> Iterator[tuple[str, TensorInfo]]:
    for name, thing in names.items():
        if isinstance(thing, Tensor):
            dtype = str(thing.dtype).removeprefix("torch.")
            yield name, TensorInfo(tuple(thing.shape), dtype, str(thing.device))


def _origin(note: Fact) -> tuple[int, str] | None:
    first = note.first or note
    return None if first.call is None or first.port is None else (first.call, first.port)


def _is_small(note: Fact) -> bool:
    return note.small or (note.dtype in INTEGERS and note.shape.numel() * note.dtype.itemsize <= SMALL)
