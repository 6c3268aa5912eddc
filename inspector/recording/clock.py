"""Wall time of calls: the processor's clock, or CUDA events where the work runs on a GPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Clock:
    """Marks moments on one device, and gives the seconds between two marks.

    A CUDA event is only put into the stream: no call waits for the GPU. Its time may be asked for after `synchronize`,
    and the difference of two is the time that the device took.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.mark: Callable[[], Any] = self._event if device.type == "cuda" else time.perf_counter

    def seconds(self, start: Any, end: Any) -> float | None:
        """The time between two marks of this clock, in seconds; None on the meta device, where nothing really ran."""
        if self.device.type == "meta":
            return None
        return float(start.elapsed_time(end) / 1000 if self.device.type == "cuda" else end - start)

    def synchronize(self) -> None:
        """Wait until the device has done what was asked of it, so that its marks have times."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _event(self) -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event


class Clocks:
    """A clock for each device that a model is spread over."""

    def __init__(self, model: nn.Module) -> None:
        self._main = device_of(model) or torch.device("cpu")
        self._clocks: dict[torch.device, Clock] = {}

    @property
    def device(self) -> torch.device:
        """The device of the model's first parameter; the CPU for a model without any."""
        return self._main

    def of(self, module: nn.Module) -> Clock:
        """The clock of the device where a module's own weights, or its children's, are."""
        device = device_of(module) or self._main
        if device.type == "meta":  # weights that are offloaded, unless the whole model has none
            device = self._main
        if device not in self._clocks:
            self._clocks[device] = Clock(device)
        return self._clocks[device]

    def synchronize(self) -> None:
        for clock in self._clocks.values():
            clock.synchronize()


def device_of(module: nn.Module) -> torch.device | None:
    """Where a module's first parameter is; None for one without parameters."""
    first = next(module.parameters(), None)
    return None if first is None else first.device
