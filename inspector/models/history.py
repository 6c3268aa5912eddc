"""The references that were opened last, in a small JSON file of the user's state directory.

Losing it costs nobody anything: a file that is damaged reads as empty, one that cannot be written is let be.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from platformdirs import user_state_path

STATE_DIRECTORY = "INSPECTOR_STATE_DIR"
"""Environment variable: where state is kept instead of the user's own directory."""

MOST = 20


def state_directory() -> Path:
    """Where Inspector keeps what it remembers between runs; it may not exist yet."""
    chosen = os.environ.get(STATE_DIRECTORY)
    return Path(chosen) if chosen else user_state_path("inspector", appauthor=False)


def recent() -> list[str]:
    """References, the last opened first."""
    try:
        data = json.loads((state_directory() / "recent.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [item for item in data if isinstance(item, str)][:MOST] if isinstance(data, list) else []


def remember(reference: str) -> None:
    """Put a reference in front. A path is kept in full, so that it opens from anywhere."""
    with contextlib.suppress(OSError, RuntimeError):
        path = Path(reference).expanduser()
        name = str(path.resolve()) if path.exists() else reference
        _write([name, *(item for item in recent() if item != name)][:MOST])


def _write(references: list[str]) -> None:
    directory = state_directory()
    directory.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=directory, prefix="recent-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            json.dump(references, opened, ensure_ascii=False, indent=1)
        Path(temporary).replace(directory / "recent.json")
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
