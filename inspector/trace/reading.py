"""JSON back into records: the other half of `records`, kept apart because only `Trace.open` needs it.

Every function raises `KeyError`, `TypeError` or `ValueError` on what it does not understand; `store` turns that into
one clear `TraceError` with the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspector.errors import TraceError
from inspector.trace.lazy import Lazy
from inspector.trace.records import Call, Failure, Media, ModelInfo, Module, Stats, TensorInfo, Token, Value


def value(data: Any) -> Value:
    if not isinstance(data, dict):
        return data  # type: ignore[no-any-return]
    stats = data.get("stats")
    origin = data.get("origin")
    return TensorInfo(
        shape=tuple(data["shape"]),
        dtype=data["dtype"],
        device=data["device"],
        stats=None if stats is None else Stats(**stats),
        origin=None if origin is None else (origin[0], origin[1]),
        value=data.get("value"),
        sources=tuple((call, port) for call, port in data.get("sources", ())),
        via=tuple(data.get("via", ())),
    )


Place = tuple[str, int]
"""The file and the number of the call that something was read from."""

WRONG = (KeyError, TypeError, ValueError, AttributeError)
"""What reading something else than was expected raises."""


class Ports(Mapping[str, Value]):
    """The ports of a call, each built from its JSON when it is looked at."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: Mapping[str, Any], place: Place) -> None:
        self._data = data
        self._place = place

    def __getitem__(self, port: str) -> Value:
        data = self._data[port]
        try:
            return value(data)
        except WRONG as error:
            raise damaged(self._place, f"{port}: {type(error).__name__} {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]


def call(data: Mapping[str, Any], place: Place) -> Call:
    try:
        return Call(
            index=data["index"],
            step=data["step"],
            parent=data["parent"],
            depth=data["depth"],
            path=data["path"],
            class_name=data["class"],
            role=data["role"],
            inputs=Ports(data["inputs"], place),
            outputs=Ports(data["outputs"], place),
            seconds=data["seconds"],
            memory=data.get("memory"),
            error=data["error"],
        )
    except WRONG as error:
        raise damaged(place, f"{type(error).__name__} {error}") from error


def damaged(place: Place, what: str) -> TraceError:
    return TraceError(f"{place[0]} is damaged: call {place[1]} cannot be read ({what}).")


def check_calls(calls: Sequence[Any]) -> None:
    """Raise `ValueError` for calls that do not hang together; what else may be wrong shows when a call is looked at."""
    for number, data in enumerate(calls):
        if not isinstance(data, dict) or data.get("index") != number:
            raise ValueError(f"entry {number} of its calls is no call, or not that one")
        parent = data.get("parent")
        if parent is not None and not (isinstance(parent, int) and 0 <= parent < number):
            raise ValueError(f"call {number} stands inside call {parent!r}, which is not before it")
        if not isinstance(data.get("path"), str) or not isinstance(data.get("inputs"), dict):
            raise ValueError(f"call {number} lacks its path or its inputs")


class Calls(Lazy[Call]):
    """Calls built from their JSON when they are looked at, so that a trace of 100,000 opens at once.

    A call that cannot be read raises `TraceError` then, with the name of the file.
    """

    def __init__(self, data: Sequence[Mapping[str, Any]], file: str) -> None:
        self._data = data
        self._file = file

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Call]:
        return (call(data, (self._file, number)) for number, data in enumerate(self._data))

    def made(self, index: int) -> Call:
        return call(self._data[index], (self._file, index))


def model(data: Mapping[str, Any]) -> ModelInfo:
    return ModelInfo(class_name=data["class"], **{key: item for key, item in data.items() if key != "class"})


def module(data: Mapping[str, Any]) -> Module:
    return Module(data["path"], data["class"], data["role"], data["parameters"], data["bytes"])


def token(data: Mapping[str, Any]) -> Token:
    position = data["position"]
    place = None if position is None else tuple(position)
    return Token(data["index"], data["id"], data["text"], data["kind"], place)


def failure(data: Mapping[str, Any] | None) -> Failure | None:
    if data is None:
        return None
    return Failure(
        path=data["path"],
        class_name=data["class"],
        error=data["error"],
        message=data["message"],
        file=data["file"],
        line=data["line"],
        code=data.get("code"),
        call=data.get("call"),
        ports={port: value(item) for port, item in data["ports"].items()},
    )


def media(data: Mapping[str, Any]) -> Media:
    return Media(**{**data, "sampled": tuple(data.get("sampled", ()))})
