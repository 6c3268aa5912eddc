"""A trace on disk: a directory with `trace.json` and `tensors/*.safetensors`, whole or not there.

It is written beside its place under a temporary name and renamed when complete. Opening reads headers only.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import TraceError
from inspector.trace import reading, steps_reading
from inspector.trace.records import FORMAT
from inspector.trace.values import FileValues, Values

if TYPE_CHECKING:
    from torch import Tensor

    from inspector.trace.trace import Trace

FILE_BYTES = 256 * 2**20
"""Kept values go into files of about this size: few files, and never all values in memory at once."""


def is_trace(directory: Path) -> bool:
    """Whether a directory looks like a saved trace."""
    return (directory / "trace.json").is_file()


def save_trace(trace: Trace, directory: Path, *, replace: bool = False) -> Path:
    """Write `trace` as `directory`. Raises `TraceError` when that exists (and not `replace`) or cannot be written."""
    directory = directory.absolute()
    check_free(directory, replace=replace)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_beside(directory) as whole:
            _write_values(trace.values, whole / "tensors")
            with (whole / "trace.json").open("w", encoding="utf-8") as opened:
                json.dump(trace.to_json(), opened, ensure_ascii=False, separators=(",", ":"))
            _move(whole, directory)
    except OSError as error:
        raise TraceError(f"The trace cannot be written to {directory}: {error.strerror or error}.") from error
    return directory


def check_free(directory: Path, *, replace: bool = False) -> None:
    """Raise `TraceError` when something stands in the way of a trace at `directory`: cheap enough before a run."""
    if directory.exists() and not (replace and is_trace(directory)):
        hint = "Choose another name, or replace it (--force)." if is_trace(directory) else "Choose another name."
        raise TraceError(f"{directory} exists{'' if is_trace(directory) else ' and is no trace'}. {hint}")


def open_trace(directory: Path) -> Trace:
    """Open a saved trace. Raises `TraceError` naming the file and what is wrong with it."""
    from inspector.trace.trace import Trace

    file = directory / "trace.json"
    data = _read_json(file)
    try:
        trace = Trace(
            reading.model(data["model"]),
            modules=[reading.module(item) for item in data["modules"]],
            calls=reading.Calls(data["calls"], str(file)),
            tokens=[[reading.token(item) for item in row] for row in data["tokens"]],
            texts=list(data["texts"]),
            media=[reading.media(item) for item in data["media"]],
            notices=data["notices"],
            failure=reading.failure(data["failure"]),
            values=FileValues(sorted((directory / "tensors").glob("*.safetensors"))),
            config=data.get("config"),
            facts=data.get("facts"),
            generation=steps_reading.generation(data.get("generation")),
        )
        reading.check_calls(data["calls"])
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{file} is no whole trace: {type(error).__name__} {error}.") from error
    return trace


def _read_json(file: Path) -> dict[str, Any]:
    try:
        with _without_garbage_collection():
            data = json.loads(file.read_bytes())
    except OSError as error:
        raise TraceError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise TraceError(f"{file} is damaged or was cut off: {error}.") from error
    found = data.get("format") if isinstance(data, dict) else None
    if found == FORMAT:
        return data  # type: ignore[no-any-return]
    if isinstance(found, str) and found.startswith("inspector.trace/"):
        raise TraceError(f"{file} has the format {found}; this version reads {FORMAT}. Update Inspector to open it.")
    raise TraceError(f"{file} is no trace: its format is {found!r}, {FORMAT!r} was expected.")


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """A hundred thousand calls are millions of small objects, none of them garbage: looking doubles the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _temporary_beside(directory: Path) -> Iterator[Path]:
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move(whole: Path, directory: Path) -> None:
    """Put a complete directory in its place; an old one stands aside until the new one is there."""
    whole.chmod(0o755)
    if not directory.exists():
        whole.rename(directory)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.old.", dir=directory.parent))
    os.replace(directory, aside / "trace")
    whole.rename(directory)
    shutil.rmtree(aside, ignore_errors=True)


def _write_values(values: Values, folder: Path) -> None:
    batch: dict[str, Tensor] = {}
    size = number = 0
    folder.mkdir()
    for key in values:
        tensor = values[key].detach()
        # A dense copy: safetensors refuses tensors that share a piece of memory, and those that skip some.
        batch[key] = tensor.to("cpu", copy=True).contiguous()
        size += tensor.nbytes
        if size >= FILE_BYTES:
            _write_file(batch, folder / f"{number:05}.safetensors")
            batch, size, number = {}, 0, number + 1
    if batch:
        _write_file(batch, folder / f"{number:05}.safetensors")


def _write_file(batch: dict[str, Tensor], file: Path) -> None:
    from safetensors.torch import save_file

    save_file(batch, file)
