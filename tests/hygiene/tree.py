"""The files of the project, without what building and testing leave beside them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

LEFT_OVERS = ("__pycache__", "build", "dist", "shared")


def files() -> Iterator[Path]:
    """Every file that belongs to the project."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or _belongs(name)]
        yield from (Path(folder, name) for name in names if name != "snapshot_report.html")


def sources(*folders: str) -> list[Path]:
    """The Python files below some of the project's folders."""
    return sorted(file for file in files() if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in folders)


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(file: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every module that a file imports absolutely, also inside functions, with the names that it takes from it."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, tuple(alias.name for alias in node.names)


def _belongs(folder: str) -> bool:
    return not folder.startswith(".") and folder not in LEFT_OVERS and not folder.endswith(".egg-info")
