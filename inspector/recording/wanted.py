"""What a recording is asked to keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from inspector.errors import InputError
from inspector.recording.keeper import SHAPES, STATS, VALUES


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be kept beyond shapes: `stats` of every tensor, `values` of those that match a glob.

    A glob is over module paths (`model.layers.0.*`, `*`), or over `path:port` (`*.self_attn:output[0]`). `budget` is
    the number of bytes of values in memory before further ones go to disk; `memory` asks for the device's memory at
    each call. `flow` follows tensors through the functions between modules. Of `values`, those that are also in
    `optional` may match nothing without a word.
    """

    stats: bool = False
    values: tuple[str, ...] = ()
    budget: int | None = None
    memory: bool = True
    flow: bool = False
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `InputError` on what is no request."""
        if self.budget is not None and (type(self.budget) is not int or self.budget < 0):
            raise InputError(f"The memory budget is a number of bytes, 0 or more; there is {self.budget!r}.")
        if not all(isinstance(glob, str) for glob in self.values):
            raise InputError(
                f"Values are asked for by globs over module paths, such as '*.mlp'; there is {self.values!r}."
            )

    def level(self, path: str, side: str) -> int:
        """What a hook of a module keeps, as bits: the one that sees its `input`, or its `output`."""
        values = any(
            fnmatchcase(path, modules) and _concerns(side, port)
            for modules, _, port in (glob.partition(":") for glob in self.values)
        )
        return (STATS if self.stats else SHAPES) | (VALUES if values else SHAPES)

    def level_at(self, path: str, port: str) -> int:
        """What is kept of the tensor at one port, as bits."""
        return (STATS if self.stats else SHAPES) | (VALUES if self.port(path, port) else SHAPES)

    def port(self, path: str, port: str) -> bool:
        """Whether the value at a port was asked for. Globs take `[` and `]` literally: ports are full of them."""
        for glob in self.values:
            modules, colon, ports = glob.partition(":")
            if fnmatchcase(path, modules) and (not colon or fnmatchcase(port, ports.replace("[", "[[]"))):
                return True
        return False


def _concerns(side: str, port: str) -> bool:
    """Whether a glob over ports may match one of a side; none there stands for every port."""
    start = re.split(r"[*?[]", port)[0]
    return side.startswith(start) or start.startswith(side)
