"""What the tab says where there is nothing to show, and in its last line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from inspector.tui.generate.moment import Moment
from inspector.tui.runs import Run
from inspector.tui.widgets.cells import visible

if TYPE_CHECKING:
    from inspector.tui.generate.driver import Driver

KEYS = (
    ("n", "make a step"),
    ("c", "run to the end, p pauses"),
    ("v", "then shows any step under all tabs: attention, masks, tensors"),
    ("u", "run until a token, a text, an entropy …"),
    ("N", "begin with options: sampling, beams, a seed …"),
)

SAVED = (
    "This trace was saved, without its model: what is recorded can be looked at, and nothing can go on from it. "
    "r loads the model and asks it again; then it can generate."
)
SHAPES = (
    "This model is open without weights, and without numbers there is no next token to choose. Open a checkpoint, or "
    "start with --random-weights, which fills the architecture with random ones."
)
NO_QUESTION = "Nothing was asked of this model yet: r asks it something."


def hindrance(run: Run) -> str:
    """Why nothing can be generated here, and what to do; empty where it can."""
    if run.session is None:
        return SAVED
    if run.session.shape_only:
        return SHAPES
    return "" if run.question is not None else NO_QUESTION


def question_of(run: Run) -> str:
    """What the model was asked, in a line."""
    if run.question is None:
        return ""
    request = run.question.request
    asked = [f"“{visible(prompt)}”" for prompt in request.prompts]
    asked += [f"{len(request.messages)} conversations"] if len(request.messages) > 1 else []
    asked += ["a conversation"] if len(request.messages) == 1 else []
    asked += [f"{len(request.images)} pictures" if len(request.images) > 1 else "a picture"] if request.images else []
    return f"Asked: {', '.join(asked)}."


def nothing_yet(run: Run) -> Content:
    """What stands in the middle of the tab before the first step."""
    problem = hindrance(run)
    if problem:
        return Content(f"No generation to show.\n\n{problem}")
    lines = [Content(f"Nothing is generated yet. {question_of(run)}"), Content("")]
    lines += [Content.assemble((f"  {key}  ", "bold $accent"), words) for key, words in KEYS]
    return Content("\n").join(lines)


def place(moment: Moment, at: int, row: int) -> str:
    """Which step of what is looked at."""
    record = moment.record
    words = [moment.branch] if len(record.branches) > 1 else []
    count = len(moment.steps)
    words.append(f"step {at} of {count}, from 0" if count else "before the first step")
    if moment.rows > 1:
        words.append(f"{'beam' if moment.is_beam_search else 'row'} {row} of {moment.rows}")
    return visible(" · ".join([*words, record.mode.replace("_", " "), f"seed {record.seed}"]))


def state(driver: Driver, moment: Moment | None, seconds: float) -> Content:
    """What goes on, or how one stands: running, waiting changes, the end."""
    return Content("  ").join(_state(driver, moment, seconds))


def _state(driver: Driver, moment: Moment | None, seconds: float) -> Iterator[Content]:
    if moment is not None and moment.changes:
        yield Content.styled(visible(f"next: {', '.join(moment.changes)}"), "$text-warning")
    if driver.doing:
        speed = driver.speed
        pace = f" {speed:.3g} steps/s" if speed else f" {seconds:.0f} s" if seconds >= 1 else ""
        keys = "p pause · x stop" if driver.running else "x stop"
        yield Content.assemble((f"{driver.doing}{pace}", "bold $accent"), (f"  {keys}", "$text-muted"))
    elif moment is not None and moment.reason:
        yield Content.assemble(("ended: ", "$text-muted"), (visible(moment.reason), "bold"))
    elif driver.live:
        yield Content.styled("n step · c run", "$text-muted")
    elif moment is not None:
        yield Content.styled("saved · r loads the model", "$text-muted")
