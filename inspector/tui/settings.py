"""What the program remembers between runs (the theme, what was last asked with), and where its files lie.

Losing these is no error: a file that cannot be read is as good as none, one that cannot be written is let go.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_config_path

T = TypeVar("T", str, bool)

CONFIG_DIR = "INSPECTOR_CONFIG_DIR"
"""Environment variable: the directory of the settings and of `keys.toml`, in place of the user's own."""


def config_dir() -> Path:
    """The directory of the program's files; it need not exist."""
    redirected = os.environ.get(CONFIG_DIR)
    return Path(redirected) if redirected else user_config_path("inspector", appauthor=False)


class Settings:
    """Remembered values by name, in `settings.json`; written when one changes."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "settings.json"
        self._values: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            found = json.loads(self._file.read_text(encoding="utf-8"))
            self._values = found if isinstance(found, dict) else {}

    def get(self, name: str, default: T) -> T:
        """A remembered value; `default` where there is none, or one of another kind."""
        found = self._values.get(name)
        return found if isinstance(found, type(default)) else default

    def remember(self, **values: str | bool) -> None:
        """Keep values. The file is replaced whole, so that two programs at once leave one of the two behind."""
        changed = {**self._values, **values}
        if changed == self._values:
            return
        self._values = changed
        temporary = self._file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(changed, indent=2, ensure_ascii=False), encoding="utf-8")
            temporary.replace(self._file)
