from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from inspector.errors import ModelError
from inspector.models import devices
from inspector.models.devices import Need, Placement, available, choose, free_bytes, no_room, place

GIB = 2**30
ROOM = {"cuda:0": 8 * GIB, "cuda:1": 20 * GIB, "cpu": 60 * GIB}


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, as far as choosing goes."""
    monkeypatch.setattr(devices, "available", lambda: list(ROOM))
    monkeypatch.setattr(devices, "free_bytes", ROOM.__getitem__)


def need(gib: float) -> Need:
    return Need("owner/name", "float32", {"float32": int(gib * GIB), "bfloat16": int(gib * GIB / 2)})


def test_this_machine_has_a_cpu_with_room() -> None:
    assert available()[-1] == "cpu"
    assert choose("cpu") == "cpu"
    assert all(free_bytes(device) > 0 for device in available())
    assert torch.device(choose("auto")).type in ("cuda", "mps", "xpu", "cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "CPU", "cpu:0", "", "meta"])
def test_unknown_device_names_what_there_is(name: str) -> None:
    with pytest.raises(ModelError, match=rf"There is no device '{name}' here.* There (is|are) .*cpu; 'auto' takes"):
        choose(name)


@pytest.mark.usefixtures("two_gpus")
def test_automatic_device_is_the_accelerator_with_the_most_room() -> None:
    assert choose("auto") == choose("cuda") == "cuda:1"
    assert choose("cuda:0") == "cuda:0"
    assert place("auto", need(18)) == Placement("cuda:1")
    assert place("auto", need(18)).device_map == {"": "cuda:1"}


@pytest.mark.usefixtures("two_gpus")
def test_model_too_large_for_one_device_is_spread() -> None:
    assert place("auto", need(19)) == Placement("cuda:1", spread=True)
    assert place("auto", need(19)).device_map == "auto"
    assert place("cuda:1", need(19)) == Placement("cuda:1")


@pytest.mark.usefixtures("two_gpus")
def test_model_too_large_for_the_device_asked_for_learns_what_fits() -> None:
    with pytest.raises(ModelError) as error:
        place("cuda:0", need(16))
    assert str(error.value) == (
        "owner/name does not fit: it takes 16.0 GiB in float32, and cuda:0 has 8.0 GiB free. What would fit: --dtype "
        "bfloat16 (8.0 GiB), --device cuda:1 (20.0 GiB free), --device cpu (60.0 GiB free), --shape-only (no weights)."
    )
    assert "What would fit: --shape-only (no weights)." in str(no_room(need(500), "cpu"))


def test_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000))
    assert free_bytes("cpu") == 10_000
    for name, content in (
        ("memory.max", "9000\n"),
        ("memory.current", "5000\n"),
        ("memory.stat", "anon 1\nfile 700\n"),
    ):
        (tmp_path / name).write_text(content)
    assert free_bytes("cpu") == 9000 - 5000 + 700
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes("cpu") == 10_000
