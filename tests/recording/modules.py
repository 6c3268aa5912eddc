"""Small modules that do what models do to a recorder: return odd things, run twice, change tensors in place, fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import inspector
from inspector import Trace


@dataclass
class Pair:
    first: Tensor
    second: Tensor | None = None


class Returns(nn.Module):
    """Returns whatever `make` makes of its input."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Tensor, *rest: Any, scale: float = 1.0, **named: Any) -> Any:
        return self.make(x)


class Model(nn.Module):
    """One part after the other; each is called with the result of the one before where that is a tensor."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        self.never = nn.Linear(2, 2)
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        for name, part in self.named_children():
            if name != "never":
                result = part(x)
                x = result if isinstance(result, Tensor) else x
        return x


class AddInPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1)


class Breaks(nn.Module):
    def forward(self, hidden_states: Tensor) -> Tensor:
        doubled = torch.cat([hidden_states, hidden_states])
        return doubled + torch.zeros(7, 7)


class Survives(nn.Module):
    """Catches what its child raises, and runs another child while it handles that."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = Breaks()
        self.silent = Returns(lambda x: None)

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.broken(x)
        except RuntimeError:
            self.silent(x)
            return x


def hooks_of(model: nn.Module) -> int:
    """How many forward hooks are attached anywhere in a model."""
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def record(model: nn.Module, *args: Any, **asked: Any) -> Trace:
    """The recording of one forward."""
    with inspector.capture(model, **asked) as trace, torch.no_grad():
        model(*args)
    return trace
