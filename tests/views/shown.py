"""Running tiny models, and reading what views show of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import inspector
from inspector import Trace
from inspector.parts import Part, Table, View


def run(model: Any, given: dict[str, Any], *, values: Any = (), flow: bool = False) -> Trace:
    with inspector.capture(model, values=values, flow=flow) as trace, torch.no_grad():
        model(**given)
    return trace


def generated(model: Any, given: dict[str, Any]) -> Trace:
    with inspector.capture(model) as trace:
        model.generate(**given, max_new_tokens=3, do_sample=False)
    return trace


def titled(parts: Sequence[Part], title: str) -> Part:
    return next(part for part in parts if part.title.startswith(title))


def checks(view: View, trace: Trace, **asked: str) -> dict[str, tuple[str, str]]:
    """Result and evidence by name."""
    table = titled(view(trace, **asked), "Checks")
    assert isinstance(table, Table)
    return {str(name): (str(result), str(evidence)) for name, result, evidence in table.rows}


def column(table: Part, name: str) -> list[Any]:
    assert isinstance(table, Table)
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def results(view: View, trace: Trace, **asked: str) -> set[str]:
    return {result for result, _ in checks(view, trace, **asked).values()}
