"""Nothing of a recording stays attached to transformers, whatever a test did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from transformers.masking_utils import AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, AttentionInterface


def registries() -> list[Any]:
    """What transformers looks kernels and masks up with."""
    return [
        AttentionInterface.get_interface,
        AttentionInterface.__getitem__,
        "__getitem__" in vars(AttentionInterface),
        AttentionMaskInterface.__getitem__,
        "__getitem__" in vars(AttentionMaskInterface),
        ALL_ATTENTION_FUNCTIONS["sdpa"],
    ]


@pytest.fixture(autouse=True)
def _nothing_stays_attached() -> Iterator[None]:
    before = registries()
    yield
    assert registries() == before
