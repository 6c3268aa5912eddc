"""Views of CLIP + Qwen, of the decoder alone, and of CLIP + Qwen2 as a Llava."""

from __future__ import annotations

from collections.abc import Sequence

from inspector import View

from . import cache, merge, projector, quirks, rotary


def all_views() -> Sequence[View]:
    return [merge.VIEW, projector.VIEW, rotary.VIEW, cache.VIEW, quirks.VIEW]
