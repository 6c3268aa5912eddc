"""Wall time of calls: the processor's clock, or CUDA events where the work runs on a GPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch


def clock_for(device: torch.device) -> tuple[Callable[[], Any], Callable[[Any, Any], float]]:
    """A function that marks a moment, and one that gives the seconds between two marks.

    A CUDA event is only put into the stream: no call waits for the GPU. The difference may be asked for after
    `synchronize`, and is the time the device took.
    """
    if device.type != "cuda":
        return time.perf_counter, lambda start, end: end - start

    def mark() -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    return mark, lambda start, end: start.elapsed_time(end) / 1000


def synchronize(device: torch.device) -> None:
    """Wait until a device has done what was asked of it, so that its events have times."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
