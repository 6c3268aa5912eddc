"""A trace on disk: whole or not there, the same when it comes back, and one clear error for what is no trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector import Trace, TraceError
from inspector.trace import MemoryValues, is_trace
from tests.hygiene.tree import ROOT
from tests.traces import failing_trace, small_trace, steps_trace


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return small_trace().save(tmp_path / "saved")


def left_in(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


@pytest.mark.parametrize("make", [small_trace, failing_trace, steps_trace])
def test_a_trace_comes_back_as_it_was(make: Any, tmp_path: Path) -> None:
    trace = make()
    opened = Trace.open(trace.save(tmp_path / "deep" / "down"))
    assert opened.to_json() == trace.to_json()
    assert (opened.model, opened.failure) == (trace.model, trace.failure)
    assert list(opened.calls) == list(trace.calls)
    assert list(opened.modules) == list(trace.modules)
    assert [list(row) for row in opened.tokens] == [list(row) for row in trace.tokens]
    assert [list(opened.texts), list(opened.media)] == [list(trace.texts), list(trace.media)]
    assert opened.notices == trace.notices
    assert set(opened.values) == set(trace.values)
    for key in trace.values:
        assert torch.equal(opened.values[key].nan_to_num(), trace.values[key].nan_to_num())


def test_what_came_from_disk_can_be_saved_again(saved: Path, tmp_path: Path) -> None:
    again = Trace.open(saved).save(tmp_path / "again")
    assert (again / "trace.json").read_text() == (saved / "trace.json").read_text()
    assert (
        Trace.open(again).values["0/input.input_ids"].tolist() == Trace.open(saved).value(0, "input.input_ids").tolist()
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.bool, torch.int8, torch.uint8])
def test_values_of_every_dtype_and_layout_come_back(dtype: torch.dtype, tmp_path: Path) -> None:
    tensor = torch.arange(12).reshape(3, 4).to(dtype)
    whole = {"whole": tensor, "turned": tensor.T, "part": tensor[:, 1:2], "scalar": tensor[0, 1], "none": tensor[:0]}
    trace = Trace(small_trace().model, values=MemoryValues(whole))
    opened = Trace.open(trace.save(tmp_path / "values"))
    assert {key: opened.values[key].tolist() for key in whole} == {key: item.tolist() for key, item in whole.items()}
    assert {opened.values[key].dtype for key in whole} == {dtype}


def test_values_are_spread_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.trace.store.FILE_BYTES", 1000)
    directory = small_trace().save(tmp_path / "many")
    assert len(left_in(directory / "tensors")) > 1
    assert set(Trace.open(directory).values) == set(small_trace().values)


def test_opening_reads_no_tensor(saved: Path) -> None:
    (file,) = (saved / "tensors").iterdir()
    trace = Trace.open(saved)
    file.unlink()
    assert len(trace.values) == 5
    with pytest.raises(TraceError, match="cannot be read"):
        trace.value(0, "input.input_ids")


def test_an_existing_directory_is_not_touched(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"saved exists\. Choose another name, or replace it \(--force\)"):
        failing_trace().save(saved)
    assert Trace.open(saved).failure is None
    failing_trace().save(saved, replace=True)
    assert Trace.open(saved).failure is not None
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    for replace in (False, True):
        with pytest.raises(TraceError, match=r"mine exists and is no trace\. Choose another name"):
            failing_trace().save(tmp_path / "mine", replace=replace)
    assert left_in(tmp_path) == ["mine", "saved"]
    assert left_in(tmp_path / "mine") == ["thesis.tex"]


class Failing(MemoryValues):
    """Values that fail while they are written, as on a disk that is full."""

    def __iter__(self) -> Iterator[str]:
        yield from list(super().__iter__())[:1]
        raise OSError(28, "No space left on device")


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path, saved: Path) -> None:
    trace = Trace(small_trace().model, values=Failing(small_trace().values))  # type: ignore[arg-type]
    for directory in (tmp_path / "new", saved):
        with pytest.raises(TraceError, match=r"cannot be written to .*: No space left on device"):
            trace.save(directory, replace=True)
    assert left_in(tmp_path) == ["saved"]
    assert len(Trace.open(saved).calls) == 20, "the old trace stands until the new one is whole"


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match=r"cannot be written to .*file"):
        small_trace().save(tmp_path / "file" / "trace")


KILLED = """
import os, signal, sys
from inspector.trace import MemoryValues
from tests.traces import small_trace

class Dying(MemoryValues):
    def __getitem__(self, key):
        os.kill(os.getpid(), signal.SIGKILL)

trace = small_trace()
trace.values = Dying(trace.values)
trace.save(sys.argv[1], replace=True)
"""


@pytest.mark.parametrize("there", [False, True])
def test_a_program_that_is_killed_leaves_no_half_trace(there: bool, tmp_path: Path, saved: Path) -> None:
    directory = saved if there else tmp_path / "new"
    done = subprocess.run([sys.executable, "-c", KILLED, directory], cwd=ROOT, env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    assert is_trace(directory) is there
    assert not any(is_trace(left) for left in tmp_path.iterdir() if left != saved)
    assert len(Trace.open(saved).calls) == 20


def damage(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_what_is_no_trace_is_one_clear_error(saved: Path, tmp_path: Path) -> None:
    file = saved / "trace.json"
    whole = file.read_text()
    with pytest.raises(TraceError, match=r"absent/trace\.json cannot be read: No such file"):
        Trace.open(tmp_path / "absent")
    file.write_text(whole[: len(whole) // 2])
    with pytest.raises(TraceError, match=r"trace\.json is damaged or was cut off"):
        Trace.open(saved)
    file.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(TraceError, match=r"trace\.json is damaged or was cut off"):
        Trace.open(saved)
    file.write_text(whole)
    damage(file, format="inspector.trace/7")
    with pytest.raises(TraceError, match=r"has the format inspector\.trace/7; this version reads .*Update Inspector"):
        Trace.open(saved)
    damage(file, format="chrome.trace")
    with pytest.raises(TraceError, match=r"is no trace: its format is 'chrome\.trace'"):
        Trace.open(saved)
    file.write_text("[1, 2]")
    with pytest.raises(TraceError, match="is no trace: its format is None"):
        Trace.open(saved)


@pytest.mark.parametrize("part", ["model", "calls", "tokens", "modules", "media", "texts", "notices", "failure"])
def test_a_part_that_is_missing_or_of_another_kind(part: str, saved: Path) -> None:
    file = saved / "trace.json"
    whole = file.read_text()
    data = json.loads(whole)
    del data[part]
    file.write_text(json.dumps(data))
    with pytest.raises(TraceError, match=rf"is no whole trace: KeyError '{part}'"):
        Trace.open(saved)
    file.write_text(whole)
    damage(file, **{part: 7})
    with pytest.raises(TraceError, match="is no whole trace"):
        Trace.open(saved)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut off in its header"),
        (b"\x10\x00", "cut off in its header"),
        (b"\xff" * 40, "cut off in its header"),
        (b"\x08\x00\x00\x00\x00\x00\x00\x00notjson!", "its header is not JSON"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00[]", "its header is not an object"),
    ],
)
def test_a_foreign_file_of_tensors(content: bytes, message: str, saved: Path) -> None:
    (file,) = (saved / "tensors").iterdir()
    file.write_bytes(content)
    with pytest.raises(TraceError, match=rf"00000\.safetensors .*{message}"):
        Trace.open(saved)


def test_a_truncated_file_of_tensors(saved: Path) -> None:
    (file,) = (saved / "tensors").iterdir()
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(TraceError, match=r"was cut off: .* bytes were expected"):
        Trace.open(saved)
