"""What there is to look at in a trace: its attention calls by step and side, and the tokens of its conversations.

Made once, in a thread; nothing here is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from inspector.analysis.forwards import forwards
from inspector.analysis.kernels import Kernel, in_vision, kernel_of, kernel_paths
from inspector.analysis.layers import VisionRun, runs
from inspector.analysis.regions import Region, token_regions
from inspector.analysis.sequence import Sequenced, sequence
from inspector.trace import Trace


@dataclass(frozen=True, slots=True)
class Asked:
    """The queries of one step: the tokens from `start` up to `stop`, by index in the row."""

    step: int
    start: int
    stop: int


@dataclass(frozen=True)
class Conversation:
    """The tokens of a row that came into one cache, the last step's too; which step asked for which; the pictures."""

    trace: Trace
    row: int
    tokens: Sequenced

    @cached_property
    def asked(self) -> list[Asked]:
        found, start = [], self.tokens.before
        for forward in self.tokens.forwards:
            found.append(Asked(forward.step, start, start + forward.tokens))
            start += forward.tokens
        return found

    @cached_property
    def regions(self) -> list[Region]:
        """The pictures among the tokens, by index in the row."""
        return token_regions(self.trace, self.row, self.tokens)

    def of_step(self, step: int) -> Asked | None:
        return next((asked for asked in self.asked if asked.step == step), None)

    def of_token(self, token: int) -> Asked | None:
        return next((asked for asked in self.asked if asked.start <= token < asked.stop), None)


class Survey:
    """The attention calls of a trace. `steps` are those with one in the decoder, or where there is none, anywhere."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._kernels: dict[int, Sequence[Kernel]] = {}
        self._runs: dict[int, list[VisionRun]] = {}
        self._conversations: dict[tuple[int, int], Conversation] = {}
        of_step: dict[int, list[Kernel]] = {}
        for kernel in _kernels(trace):
            of_step.setdefault(kernel.call.step, []).append(kernel)
        for step, found in of_step.items():
            found.sort(key=lambda kernel: kernel.call.index)
            decoder = [kernel for kernel in found if not in_vision(trace, kernel.path)]
            if decoder:
                self._kernels[step] = decoder
            if len(decoder) < len(found):
                self._runs[step] = runs(trace, found)

    @cached_property
    def decoder_steps(self) -> list[int]:
        return sorted(self._kernels)

    @cached_property
    def vision_steps(self) -> list[int]:
        return sorted(self._runs)

    @property
    def steps(self) -> list[int]:
        return self.decoder_steps or self.vision_steps

    def vision_step(self, step: int) -> int:
        """The last step up to this one in which the vision tower ran, or the first of all."""
        return max((own for own in self.vision_steps if own <= step), default=self.vision_steps[0])

    def decoder(self, step: int) -> Sequence[Kernel]:
        """The attention calls of the decoder in a step, in the order in which they ran."""
        return self._kernels.get(step, ())

    def runs(self, step: int) -> Sequence[VisionRun]:
        """The runs of the vision tower in a step, in their order."""
        return self._runs.get(step, ())

    def conversation(self, step: int, row: int) -> Conversation:
        """The conversation that a step belongs to, up to its end."""
        key = self._last_of(step), row
        found = self._conversations.get(key)
        if found is None:
            found = Conversation(self.trace, row, sequence(self.trace, *key))
            if found.of_step(step) is None:  # the cache was cropped to before this step
                return Conversation(self.trace, row, sequence(self.trace, step, row))
            self._conversations[key] = found
        return found

    @cached_property
    def _forwards(self) -> list[tuple[int, bool]]:
        """The steps of forwards, and whether each found something in its cache."""
        return [(forward.step, bool(forward.past)) for forward in forwards(self.trace)]

    def _last_of(self, step: int) -> int:
        last = step
        for later, behind in self._forwards:
            if later > step:
                if not behind:
                    break
                last = later
        return last


def _kernels(trace: Trace) -> Iterator[Kernel]:
    for path in kernel_paths(trace):
        for index in trace.occurrences(path):
            kernel = kernel_of(trace, trace.calls[index])
            if kernel is not None:
                yield kernel
