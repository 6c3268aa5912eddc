"""What `y` offers to copy of a generation: texts, the record of a step, and Python that arrives at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspector.tui.copying import load_line, open_line, question
from inspector.tui.screens.menu import Choice

if TYPE_CHECKING:
    from inspector.tui.generate.tab import GenerateTab


def choices(tab: GenerateTab) -> list[Choice]:
    """The choices for the step and the row that are looked at, the likeliest first."""
    moment, step, taken = tab.moment, tab.view.step, tab.view.taken
    if moment is None or step is None or taken is None:
        return []
    kept = moment.record.branches[moment.branch]
    row = min(tab.view.row, len(kept.ids) - 1)
    found = [Choice("text", kept.texts[row])] if kept.texts and kept.texts[row] else []
    if taken.chosen is not None:
        found += [Choice("token", taken.chosen.text), Choice("token id", str(taken.chosen.id))]
    found.append(Choice("ids", json.dumps(list(kept.ids[row])) if kept.ids else "[]"))
    line = json.dumps(step.line(tab.view.row_of_step), ensure_ascii=False)
    return [*found, Choice("step", line), Choice("Python", "\n".join(["import inspector", "", *python(tab)]) + "\n")]


def python(tab: GenerateTab) -> list[str]:
    """Lines that arrive at the step that is looked at, with everything that was changed on the way to it."""
    moment, run = tab.moment, tab.run
    assert moment is not None
    if run.session is None:
        if run.directory is None:
            return []
        return [open_line(run.directory), f"step = trace.generation.steps({moment.branch!r})[{tab.at}]"]
    settings = moment.record.settings
    given = [f"{name}={value!r}" for name, value in settings.items() if name not in ("added", "off")]
    given += [f"logits_processor={list(settings['added'])!r}"] if settings.get("added") else []
    given += ["calls=True"] if tab.driver.started.calls else []
    asked = ", ".join([*question(run), f"seed={moment.record.seed}", *given])
    lines = [load_line(run), f"generation = session.generate({asked})", *_made(tab)]
    return [*lines, f"step = generation.steps[{tab.at}]"]


def _made(tab: GenerateTab) -> Iterator[str]:
    """The steps, and what was changed between them."""
    done = 0
    generation = tab.driver.generation
    changes = generation.tree.current.changes if generation is not None else []
    for change in changes:
        if change.at > tab.at:
            break
        if change.at > done:
            yield f"generation.run(steps={change.at - done})"
            done = change.at
        if change.words:
            yield f"# {change.words}"
        for row, token in change.forced.items():
            yield f"generation.force({token})" if row is None else f"generation.force({token}, row={row})"
        if change.seed is not None:
            yield f"generation.set(seed={change.seed})"
    if tab.at >= done:
        yield f"generation.run(steps={tab.at + 1 - done})"
