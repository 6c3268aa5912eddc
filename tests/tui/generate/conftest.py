"""Sessions on tiny models, each loaded once for all tests of the tab."""

from __future__ import annotations

from tests.generation.conftest import session_of, text, vision

__all__ = ["session_of", "text", "vision"]
