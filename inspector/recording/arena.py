"""Memory for copies of many tensors, taken from the system in large pieces.

Touching a fresh page for the first time costs far more than copying into it, and the activations of a forward are a
hundred thousand pages. So the next piece is made, and touched, by a thread of its own while the forward fills the one
before.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

FIRST, LARGEST = 2**20, 32 * 2**20
"""Bytes of the first piece and of the largest; each is twice the one before, so that little is taken in vain."""

SMALL = 2**16
"""Bytes up to which torch's own allocator is quicker: it has such pieces at hand."""

ALIGNMENT = 64
"""Bytes: the start of every copy, as torch's own allocator aligns them."""


class Arena:
    """Hands out copies. A piece is given back to the system when the last copy in it is gone."""

    def __init__(self) -> None:
        self._piece = torch.empty(0, dtype=torch.uint8)
        self._used = 0
        self._next = FIRST
        self._ahead: Future[Tensor] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def copy(self, tensor: Tensor) -> Tensor:
        """A dense copy of a CPU tensor, same shape and dtype; nobody else writes to it."""
        nbytes = tensor.nbytes
        if nbytes <= SMALL:
            return tensor.clone(memory_format=torch.contiguous_format)
        place = self._room(nbytes).view(tensor.dtype).view(tensor.shape)
        return place.copy_(tensor)

    def close(self) -> None:
        """Give back what was made ahead. Copies stay."""
        self._ahead = None
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def _room(self, nbytes: int) -> Tensor:
        start = -(-self._used // ALIGNMENT) * ALIGNMENT
        if start + nbytes > self._piece.numel():
            if nbytes > LARGEST // 2:
                return _piece(nbytes)
            self._piece, start = self._next_piece(nbytes), 0
        self._used = start + nbytes
        return self._piece[start : start + nbytes]

    def _next_piece(self, nbytes: int) -> Tensor:
        """The piece made ahead, if there is one; from the second on, another is begun behind it."""
        piece = _piece(max(self._next, nbytes)) if self._ahead is None else self._ahead.result()
        if piece.numel() < nbytes:
            piece = _piece(nbytes)
        if self._piece.numel():
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="inspector-arena")
            self._next = min(2 * self._next, LARGEST)
            self._ahead = self._thread.submit(_piece, self._next)
        return piece


def _piece(nbytes: int) -> Tensor:
    """Bytes whose pages have been touched, u8 [nbytes]; an ordinary tensor even in inference mode."""
    with torch.inference_mode(False):
        return torch.zeros(nbytes, dtype=torch.uint8)
