"""What hand-built traces are laid together from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from inspector.trace import Call, MemoryValues, Stats, TensorInfo, Value

if TYPE_CHECKING:
    from torch import Tensor


class Builder:
    """Lays calls one after the other; `inside` nests what is added in its block."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.values = MemoryValues()
        self._stack: list[int] = []

    def add(self, path: str, name: str, role: str | None = None, *, step: int = 0, **ports: Mapping[str, Value]) -> int:
        """Add a call; `inputs` and `outputs` are its ports. Returns its index."""
        index = len(self.calls)
        parent = self._stack[-1] if self._stack else None
        record = Call(
            index=index,
            step=step,
            parent=parent,
            depth=len(self._stack),
            path=path,
            class_name=name,
            role=role,
            inputs=ports.get("inputs", {}),
            outputs=ports.get("outputs", {}),
            seconds=0.0001 * (index + 1),
        )
        self.calls.append(record)
        return index

    @contextmanager
    def inside(self, index: int) -> Iterator[None]:
        self._stack.append(index)
        yield
        self._stack.pop()

    def made(self, index: int, port: str = "output") -> TensorInfo:
        """The tensor that a call put out, as its consumer sees it."""
        value = self.calls[index].outputs[port]
        assert isinstance(value, TensorInfo)
        return replace(value, origin=(index, port))

    def keep(self, index: int, port: str, tensor: Tensor) -> None:
        """Keep the value of a port, with its key and its numbers."""
        self.values[f"{index}/{port}"] = tensor
        call = self.calls[index]
        side = dict(call.outputs if port in call.outputs else call.inputs)
        side[port] = replace(side[port], value=f"{index}/{port}", stats=stats(tensor))  # type: ignore[type-var]
        field = "outputs" if port in call.outputs else "inputs"
        self.calls[index] = replace(call, **{field: side})


def info(*shape: int, dtype: str = "float32", device: str = "cpu") -> TensorInfo:
    return TensorInfo(shape, dtype, device)


def stats(tensor: Tensor) -> Stats:
    real = tensor.double()
    finite = real[real.isfinite()]
    nan, inf = int(real.isnan().sum()), int(real.isinf().sum())
    if not finite.numel():
        return Stats(None, None, None, None, nan, inf)
    spread = float(finite.std(unbiased=False))
    return Stats(float(finite.min()), float(finite.max()), float(finite.mean()), spread, nan, inf)
