"""What a run of the program must remember until it ends, whichever way that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Invocation:
    """`debug` asks for tracebacks; `output` is where a trace is to be kept, also that of a forward that failed."""

    debug: bool = False
    output: Path | None = None
    replace: bool = False

    def keep_in(self, output: Path, *, replace: bool) -> None:
        self.output, self.replace = output, replace
