"""Records what a forward depends on beside its tensors: what the model remembers from earlier forwards.

Models with multimodal positions keep the offset between index and position (`rope_deltas`) as an attribute, and later
forwards trust it, whoever wrote it. It stands on the call of the module that has it, as `before.rope_deltas` and
`after.rope_deltas`. How many seconds a temporal patch of each video covers stands on the call of the whole model, as
numbers: `media.second_per_grid_ts[0]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from inspector.recording.probes import Pen

REMEMBERED = ("rope_deltas",)
SECONDS = "second_per_grid_ts"


class StateProbe:
    """The probe of what is remembered between forwards."""

    @contextmanager
    def attach(self, pen: Pen) -> Iterator[None]:
        with ExitStack() as attached:
            for path, module in pen.modules:
                if not path:
                    watch = module.register_forward_pre_hook(_Media(pen).before, with_kwargs=True)
                    attached.callback(watch.remove)
                if any(name in vars(module) for name in REMEMBERED):
                    memory = _Memory(pen)
                    attached.callback(module.register_forward_pre_hook(memory.before).remove)
                    attached.callback(module.register_forward_hook(memory.after).remove)
            yield


class _Memory:
    """The attributes of one module, before and after it runs."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._call: int | None = None

    def before(self, module: nn.Module, args: Any) -> None:
        self._call = self._pen.call(module)
        self._write("before", module)

    def after(self, module: nn.Module, args: Any, output: Any) -> None:
        self._write("after", module)

    def _write(self, when: str, module: nn.Module) -> None:
        if self._call is None:
            return
        with torch._C.DisableTorchFunction():
            held = {name: vars(module)[name] for name in REMEMBERED if name in vars(module)}
            self._pen.ports(self._call)[when] = {name: self._pen.note(value) for name, value in held.items()}


class _Media:
    """What the whole model is told about its videos: read once, however many forwards are given it."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._given: Any = None
        self._numbers: list[float] = []

    def before(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        seconds, call = kwargs.get(SECONDS), self._pen.call(module)
        if seconds is None or call is None:
            return
        if seconds is not self._given:
            with torch._C.DisableTorchFunction():
                self._given, self._numbers = seconds, _numbers(seconds)
        self._pen.ports(call)["media"] = {SECONDS: list(self._numbers)}


def _numbers(seconds: Any) -> list[float]:
    if isinstance(seconds, Tensor):
        return [] if seconds.is_meta else [float(value) for value in seconds.flatten().tolist()]
    return [float(value) for value in seconds]
