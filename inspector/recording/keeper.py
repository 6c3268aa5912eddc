"""Keeps values and statistics of the tensors that were asked for, within a memory budget that spills to disk.

A kept value is a copy made at that moment, so later in-place changes do not reach it; a tensor that passes several
ports unchanged is copied once. On an accelerator, copies stay there in small batches, so that no module waits for one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from inspector.analysis.stats import measure
from inspector.analysis.wording import in_bytes
from inspector.errors import TraceError
from inspector.recording.arena import Arena
from inspector.recording.notes import INTEGERS

if TYPE_CHECKING:
    from inspector.recording.notes import Fact

SHAPES, STATS, VALUES = 0, 1, 2
"""What is kept of a tensor beyond its shape, as bits."""

SMALL = 2**20
"""Integer and bool tensors up to this many bytes are kept at every level."""

DEVICE_BATCH = 256 * 2**20
"""Bytes of copies that may wait on an accelerator before they move to the host together."""

DISK_BATCH = 8 * 2**20
"""Bytes that go to disk together."""

DEFAULT_BUDGET = 2 * 2**30
"""Bytes of kept values in host memory before further ones go to disk."""


class Held:
    """A kept value: a tensor in memory, or the file that it went to."""

    __slots__ = ("file", "key", "name", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Tensor | None = tensor
        self.file: Path | None = None
        self.name = ""
        self.key: str | None = None

    def read(self) -> Tensor:
        """The value; from disk it comes memory-mapped. Raises `TraceError` when its file has gone."""
        if self.tensor is not None:
            return self.tensor
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.file, framework="pt") as opened:
                tensor: Tensor = opened.get_tensor(self.name)
        except (OSError, SafetensorError) as error:
            raise TraceError(f"The spilled value {self.key} cannot be read back from {self.file}: {error}") from error
        return tensor


class Keeper:
    """Copies, measures and spills. `notices` says what the user must know afterwards."""

    def __init__(self, budget: int | None = None) -> None:
        self.budget = DEFAULT_BUDGET if budget is None else budget
        self.notices: list[str] = []
        self._arena = Arena()
        self._in_memory = 0
        self._spilled = 0
        self._told = ""
        self._spilling: list[Held] = []
        self._spilling_bytes = 0
        self._waiting: list[Held] = []
        self._waiting_bytes = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def keep(self, fact: Fact, tensor: Tensor, level: int) -> None:
        """Keep what `level` asks for of a tensor that was not met before, or that has changed since."""
        if tensor.is_meta or tensor.layout != torch.strided or tensor.is_quantized:
            return
        if tensor.dtype in INTEGERS and tensor.nbytes <= SMALL:
            level |= VALUES
        fact.level = level
        fact.version = None if tensor.is_inference() else tensor._version
        if level & VALUES:
            fact.held = self._copy(tensor.detach() if tensor.requires_grad else tensor)
        elif level & STATS:
            fact.pending = measure(tensor.detach() if tensor.requires_grad else tensor)

    def unchanged(self, fact: Fact, tensor: Tensor) -> bool:
        """Whether what was kept of a tensor is still its value."""
        if not fact.level:
            return True
        if fact.version is not None:
            return tensor._version == fact.version
        # Inference tensors do not count their changes: only the values can tell.
        return fact.held is not None and fact.held.tensor is not None and torch.equal(fact.held.tensor, tensor)

    def finish(self) -> None:
        """Move the last copies off the accelerator, and say what went to disk."""
        self._move_waiting()
        self._spill()
        self._arena.close()
        if self._spilled:
            self.notices = [notice for notice in self.notices if notice != self._told]
            self._told = (
                f"{in_bytes(self._spilled)} of kept values went to disk; the memory budget is {in_bytes(self.budget)}."
            )
            self.notices.append(self._told)

    def values(self, held: Mapping[str, Held]) -> HeldValues:
        """The kept values by key, together with the folder of those on disk, which lives as long as they do."""
        return HeldValues(held, self._folder)

    def _copy(self, tensor: Tensor) -> Held:
        if tensor.device.type == "cpu":
            held = Held(self._arena.copy(tensor))
            self._settle(held)
            return held
        held = Held(tensor.clone(memory_format=torch.contiguous_format))
        self._waiting.append(held)
        self._waiting_bytes += tensor.nbytes
        if self._waiting_bytes >= DEVICE_BATCH:
            self._move_waiting()
        return held

    def _move_waiting(self) -> None:
        for held in self._waiting:
            assert held.tensor is not None
            held.tensor = held.tensor.cpu()
            self._settle(held)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _settle(self, held: Held) -> None:
        """Leave a host copy in memory while the budget lasts, else let it go to disk, together with others."""
        assert held.tensor is not None
        nbytes = held.tensor.nbytes
        if self._in_memory + nbytes <= self.budget:
            self._in_memory += nbytes
            return
        self._spilling.append(held)
        self._spilling_bytes += nbytes
        if self._spilling_bytes >= DISK_BATCH:
            self._spill()

    def _spill(self) -> None:
        """Write what waits for the disk as one file. Where that fails, it stays in memory, and the user is told."""
        from safetensors.torch import save_file

        batch, self._spilling, self._spilling_bytes = self._spilling, [], 0
        if not batch:
            return
        size = sum(held.tensor.nbytes for held in batch if held.tensor is not None)
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="inspector-values-", ignore_cleanup_errors=True)
            file = Path(self._folder.name) / f"{self._spilled}.safetensors"
            names = {str(number): held for number, held in enumerate(batch)}
            save_file({name: held.tensor.clone() for name, held in names.items() if held.tensor is not None}, file)
        except OSError as error:
            self._in_memory += size
            self.notices.append(f"{in_bytes(size)} of kept values stayed in memory beyond the budget: {error}.")
            return
        self._spilled += size
        for name, held in names.items():
            held.file, held.name, held.tensor = file, name, None


class HeldValues(Mapping[str, Tensor]):
    """Kept values by key. Those that were spilled are removed from disk when the last reference to this goes."""

    def __init__(self, held: Mapping[str, Held], folder: tempfile.TemporaryDirectory[str] | None) -> None:
        self._held = held
        self._folder = folder

    def __getitem__(self, key: str) -> Tensor:
        return self._held[key].read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)
