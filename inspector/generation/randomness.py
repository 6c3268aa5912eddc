"""Random numbers of a generation, apart from everybody else's: nobody who draws between two steps disturbs them, and
stepping disturbs nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

State = tuple[Tensor, ...]
"""The states of torch's default generators: the CPU's, then the device's where the model is on one."""


class Randomness:
    """torch's default generators as a generation with `seed` finds them, on the CPU and on `device`."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self.state = self._seeded(seed)

    def reseed(self, seed: int) -> None:
        """Go on as if `torch.manual_seed(seed)` had been called before the next draw."""
        self.state = self._seeded(seed)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Inside the block torch draws from this generation's numbers; afterwards from where the caller had been."""
        outside = _read(self._device)
        _write(self._device, self.state)
        try:
            yield
        finally:
            self.state = _read(self._device)
            _write(self._device, outside)

    def _seeded(self, seed: int) -> State:
        devices = [torch.device("cpu")]
        if self._device.type != "cpu":
            devices.append(self._device)
        return tuple(torch.Generator(device).manual_seed(seed).get_state() for device in devices)


def fresh_seed() -> int:
    """A seed drawn from torch's default generator: another one each time, the same after `torch.manual_seed`."""
    return int(torch.randint(2**31, ()))


def _read(device: torch.device) -> State:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    elif device.type == "mps":
        states.append(torch.mps.get_rng_state())
    return tuple(states)


def _write(device: torch.device, states: State) -> None:
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states[1])
