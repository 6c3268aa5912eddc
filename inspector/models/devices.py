"""Where a model goes: the devices of this machine, what is free on each, and whether the weights fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import ModelError, near

HEADROOM = 1.1
"""What a forward needs beside the weights, as a guess: a model that only just fits is spread at once."""

CGROUP = Path("/sys/fs/cgroup")
"""What a container may take stands here; the kernel ends a process that takes more."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`device` is where a model lies whole. `spread` says that it fits none, and accelerate is to divide it."""

    device: str
    spread: bool = False

    @property
    def device_map(self) -> str | dict[str, str]:
        """What `from_pretrained` takes."""
        return "auto" if self.spread else {"": self.device}


@dataclass(frozen=True, slots=True)
class Need:
    """What a model takes: `bytes` for each dtype that one could ask for, by its name; `dtype` is the one asked for."""

    reference: str
    dtype: str
    bytes: Mapping[str, int]

    @property
    def total(self) -> int:
        return self.bytes[self.dtype]


def available() -> list[str]:
    """The devices of this machine, the accelerator's before the CPU."""
    import torch

    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator is None:
        return ["cpu"]
    if accelerator.type == "mps":
        return ["mps", "cpu"]
    return [*(f"{accelerator.type}:{index}" for index in range(torch.accelerator.device_count())), "cpu"]


def choose(name: str) -> str:
    """A device by its name. `auto` is CUDA, then MPS, then the CPU; of a kind without a number the emptiest is taken.

    Raises `ModelError` for a device that is not here.
    """
    there = available()
    if name in there:
        return name
    kind = there[0].partition(":")[0] if name == "auto" else name
    fitting = [device for device in there if device.partition(":")[0] == kind]
    if not fitting:
        raise ModelError(
            f"There is no device {name!r} here.{near(name, there)} There {'are' if len(there) > 1 else 'is'} "
            f"{', '.join(there)}; 'auto' takes the first that fits."
        )
    return max(fitting, key=free_bytes) if len(fitting) > 1 else fitting[0]


def place(name: str, need: Need) -> Placement:
    """Where a model goes that is to run on `name`. Raises `ModelError` where it does not fit, with what would."""
    device = choose(name)
    if name == "auto":
        return Placement(device, spread=need.total * HEADROOM > free_bytes(device))
    if need.total > free_bytes(device):
        raise no_room(need, device)
    return Placement(device)


def no_room(need: Need, device: str) -> ModelError:
    """The error for a model that will not fit `device`."""
    return ModelError(
        f"{need.reference} does not fit: it takes {_size(need.total)} in {need.dtype}, and {device} has "
        f"{_size(free_bytes(device))} free. What would fit: {_what_fits(need, device)}."
    )


def ran_out(need: Need, device: str) -> ModelError:
    """The error for a model whose loading ran out of memory all the same."""
    return ModelError(
        f"{device} ran out of memory while {need.reference} was loaded: the weights take {_size(need.total)} in "
        f"{need.dtype}, and loading needs some more. What may fit: {_what_fits(need, device)}."
    )


def _what_fits(need: Need, device: str) -> str:
    room = min(free_bytes(device), need.total - 1)
    ways = [f"--dtype {dtype} ({_size(size)})" for dtype, size in need.bytes.items() if size <= room]
    others = [other for other in available() if other != device and need.total <= free_bytes(other)]
    ways += [f"--device {other} ({_size(free_bytes(other))} free)" for other in others]
    return ", ".join([*ways, "--shape-only (no weights)"])


def free_bytes(device: str) -> int:
    """The memory that a model can still take on a device."""
    import torch

    kind, _, index = device.partition(":")
    if kind == "cpu":
        return _free_on_host()
    if kind == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    module = torch.get_device_module(kind)
    unused = module.memory_reserved(int(index)) - module.memory_allocated(int(index))  # torch's own, to be used again
    return int(module.mem_get_info(int(index))[0] + unused)


def _free_on_host() -> int:
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        limit = int((CGROUP / "memory.max").read_text())  # "max" where there is none
        used = int((CGROUP / "memory.current").read_text())
        fields = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return free
    return min(free, limit - used + int(fields.get("file", 0)))  # the kernel drops cached files when it needs room


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.1f} MiB"
