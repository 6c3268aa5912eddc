"""The raw logits of every step, in a file that is mapped into memory where one of them is looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor


class LogitsStore(Mapping[str, Tensor]):
    """Tensors by key, appended to one temporary file that goes when the last reference to this does.

    What it gives is a private mapping of the file: it takes no memory until it is read.
    """

    def __init__(self) -> None:
        self.notices: list[str] = []
        self._places: dict[str, tuple[int, tuple[int, ...], torch.dtype]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._file: IO[bytes] | None = None
        self._size = 0

    def append(self, tensor: Tensor) -> str | None:
        """Keep a tensor and return its key; None, with a notice, where the disk is full."""
        data = tensor.detach().contiguous().cpu()
        try:
            file = self._opened()
            file.seek(self._size)
            _write(file, data)
        except OSError as error:
            if not self.notices:
                self.notices.append(
                    f"The raw logits are not kept from here on ({error.strerror or error}): no what-if on later steps."
                )
            return None
        key = f"logits/{len(self._places)}"
        self._places[key] = (self._size, tuple(data.shape), data.dtype)
        self._size += data.nbytes
        return key

    def __getitem__(self, key: str) -> Tensor:
        start, shape, dtype = self._places[key]
        count = dtype.itemsize * int(np.prod(shape))
        assert self._file is not None
        mapped = np.memmap(self._file.name, dtype=np.uint8, mode="c", offset=start, shape=(count,))
        return torch.from_numpy(mapped).view(dtype).view(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self._size

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._folder = tempfile.TemporaryDirectory(prefix="inspector-logits-", ignore_cleanup_errors=True)
            self._file = (Path(self._folder.name) / "logits.bin").open("w+b", buffering=0)
        return self._file


def _write(file: IO[bytes], data: Tensor) -> None:
    """Write all bytes of a CPU tensor; a raw file may take fewer at a time."""
    left = memoryview(data.flatten().view(torch.uint8).numpy().data)
    while left:
        left = left[file.write(left) :]
