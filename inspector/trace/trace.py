"""A trace: the calls of one or more forwards, in execution order, with everything that was kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import TraceError, near
from inspector.trace.records import FORMAT, Call, Failure, Media, ModelInfo, Module, TensorInfo, Token
from inspector.trace.steps import GenerationRecord
from inspector.trace.values import MemoryValues, Values

if TYPE_CHECKING:
    from torch import Tensor


class Trace:
    """Calls, modules, tokens and kept values of a run.

    `tokens` holds one list a row of the batch. `texts` is what was tokenised, a row each. `config` is the model's
    configuration, as transformers writes `config.json`; empty for a model without one. `facts` is further JSON data
    that views read, by name; each may be missing:

    - `vision`: how the family lays pictures out (`Family.vision`);
    - `rotary`: path, layer type, inverse frequencies and scaling of each rotary embedding after the last forward,
      and how the code of its layers pairs dimensions;
    - `image_processor`, `video_processor`: their settings;
    - `chat_template`, and `conversations`, a row each: the messages, the text that the template made of them
      (`rendered`) and how many `placeholders` for pictures stand in it.

    `notices` are sentences that the reader must see: a stand-in tokenizer, values that went to disk, a forward that was
    stopped. `failure` is set when the forward raised; everything up to there is kept. `generation` holds
    the steps and branches of a generation, None for a trace of forwards alone.
    """

    def __init__(
        self,
        model: ModelInfo,
        *,
        modules: Sequence[Module] = (),
        calls: Sequence[Call] = (),
        tokens: Sequence[Sequence[Token]] = (),
        texts: Sequence[str] = (),
        media: Sequence[Media] = (),
        notices: Sequence[str] = (),
        failure: Failure | None = None,
        values: Values | None = None,
        config: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
        generation: GenerationRecord | None = None,
    ) -> None:
        self.model = model
        self.modules = modules
        self.calls = calls
        self.tokens = tokens
        self.texts = texts
        self.media = media
        self.notices = list(notices)
        self.failure = failure
        self.config: Mapping[str, Any] = config or {}
        self.facts: Mapping[str, Any] = facts or {}
        self.generation = generation
        self.values: Values = MemoryValues() if values is None else values

    def __repr__(self) -> str:
        state = f", failed in {self.failure.path or 'the model'}" if self.failure else ""
        return f"<Trace of {self.model.reference}: {len(self.calls):,} calls, {len(self.values):,} values kept{state}>"

    def find(self, pattern: str) -> Iterator[Call]:
        """Calls whose module path matches a glob such as `*.layers.0.*`, in execution order."""
        return (call for call in self.calls if fnmatchcase(call.path, pattern))

    def call(self, path: str, occurrence: int = 0) -> Call:
        """The call of the module at `path`; `occurrence` counts its calls from 0, from the end when negative.

        Raises `TraceError` with the nearest paths when there is none.
        """
        indices = self._by_path.get(path)
        if indices is None:
            known = [name for name in self._by_path if name]
            raise TraceError(f"No call of a module {path!r} in this trace.{near(path, known)}")
        if not -len(indices) <= occurrence < len(indices):
            raise TraceError(f"{path!r} was called {len(indices)} times; there is no occurrence {occurrence}.")
        return self.calls[indices[occurrence]]

    def occurrences(self, path: str) -> list[int]:
        """Indices of the calls of the module at `path`, in execution order; none for a module that was not called."""
        return self._by_path.get(path, [])

    def value(self, call: Call | int, port: str = "output") -> Tensor:
        """The kept tensor at a port: the value it had at that moment. Not to be changed in place.

        Raises `TraceError` when the call has no such port, when no tensor stands there, or when its value was not kept.
        """
        record = self.calls[call] if isinstance(call, int) else call
        info = tensor_at(record, port)
        if info.value is None:
            raise TraceError(
                f"The value of {record.path or 'the model'} {port} was not kept ({info}). "
                f"Trace again with values={record.path!r} (--values {record.path!r})."
            )
        return self.values[info.value]

    def came_from(self, call: int, port: str) -> list[tuple[int, str]]:
        """The call and port that made the tensor at a port; where functions did, the outputs that went into them."""
        info = self.calls[call].ports().get(port)
        if not isinstance(info, TensorInfo):
            return []
        return [info.origin] if info.origin is not None else list(info.sources)

    def went_to(self, call: int, port: str) -> list[tuple[int, str]]:
        """The other calls and ports that a tensor went to, itself or through functions, in execution order."""
        info = self.calls[call].ports().get(port)
        made = (info.origin if isinstance(info, TensorInfo) else None) or (call, port)
        return [place for place in self._consumers.get(made, []) if place != (call, port)]

    def children(self, call: int | None) -> list[int]:
        """Indices of the calls that ran directly inside `call`; of the root calls for None."""
        return self._children.get(call, [])

    def save(self, directory: str | Path, *, replace: bool = False) -> Path:
        """Write the trace as a directory, whole or not at all. Raises `TraceError` if it exists and not `replace`."""
        from inspector.trace.store import save_trace

        return save_trace(self, Path(directory), replace=replace)

    @staticmethod
    def open(directory: str | Path) -> Trace:
        """Open a saved trace; reads no tensor. Raises `TraceError` for a missing, damaged, foreign or newer one."""
        from inspector.trace.store import open_trace

        return open_trace(Path(directory))

    def to_json(self) -> dict[str, Any]:
        """The contract `inspector.trace/1`, without tensor values."""
        generation = {} if self.generation is None else {"generation": self.generation.to_json()}
        return {
            "format": FORMAT,
            "model": self.model.to_json(),
            "config": dict(self.config),
            "facts": dict(self.facts),
            "texts": list(self.texts),
            "media": [item.to_json() for item in self.media],
            "tokens": [[token.to_json() for token in row] for row in self.tokens],
            "modules": [module.to_json() for module in self.modules],
            "calls": [call.to_json() for call in self.calls],
            "failure": None if self.failure is None else self.failure.to_json(),
            "notices": list(self.notices),
            **generation,
        }

    @cached_property
    def _by_path(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for call in self.calls:
            found.setdefault(call.path, []).append(call.index)
        return found

    @cached_property
    def _children(self) -> dict[int | None, list[int]]:
        found: dict[int | None, list[int]] = {}
        for call in self.calls:
            found.setdefault(call.parent, []).append(call.index)
        return found

    @cached_property
    def _consumers(self) -> dict[tuple[int, str], list[tuple[int, str]]]:
        found: dict[tuple[int, str], list[tuple[int, str]]] = {}
        for call in self.calls:
            for port, value in call.ports().items():
                if isinstance(value, TensorInfo):
                    for origin in (value.origin,) if value.origin else value.sources:
                        found.setdefault(origin, []).append((call.index, port))
        return found


def tensor_at(call: Call, port: str) -> TensorInfo:
    """The tensor that stands at a port of a call. Raises `TraceError` where there is none."""
    ports = call.ports()
    where = call.path or "the model"
    if port not in ports:
        raise TraceError(f"Call {call.index} ({where}) has no port {port!r}; it has {', '.join(ports) or 'none'}.")
    value = ports[port]
    if not isinstance(value, TensorInfo):
        raise TraceError(f"No tensor stands at {port} of call {call.index} ({where}), but {value!r}.")
    return value
