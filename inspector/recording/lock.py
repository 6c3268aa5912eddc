"""One forward at a time on a recorded model: two captures at once would each record both forwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from inspector.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

_owners: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
_changed = threading.Condition()


@contextmanager
def exclusive(model: nn.Module) -> Iterator[None]:
    """Hold `model`. Waits for another thread that holds it; raises `ModelError` when this thread already does."""
    me = threading.get_ident()
    with _changed:
        if _owners.get(model) == me:
            raise ModelError(
                "This model is being captured already: a second capture inside the first would see itself."
            )
        _changed.wait_for(lambda: model not in _owners)
        _owners[model] = me
    try:
        yield
    finally:
        with _changed:
            del _owners[model]
            _changed.notify_all()
