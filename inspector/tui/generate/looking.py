"""What the keys of the tab ask without going on: what-ifs, followed tokens, other branches, a forward, a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inspector.analysis.checks import counted
from inspector.errors import InspectorError
from inspector.tui.generate import copying, moves
from inspector.tui.generate.asking import is_live, known_options
from inspector.tui.generate.change import FOR_A_STEP, ChangeScreen
from inspector.tui.generate.compare import CompareScreen
from inspector.tui.generate.force import ForceScreen
from inspector.tui.generate.moment import Moment, recorded, steps_along
from inspector.tui.screens.menu import Choice, MenuScreen
from inspector.tui.widgets.generation.compare import Side
from inspector.tui.widgets.generation.measures import MEASURES
from inspector.tui.widgets.generation.pipeline import Asked

if TYPE_CHECKING:
    from inspector.generation.generation import Generation
    from inspector.trace.stages import Stages
    from inspector.tui.generate.moves import Changes
    from inspector.tui.generate.tab import GenerateTab


async def what_if(tab: GenerateTab) -> None:
    """See what other settings would have made of this step, and of each that is looked at from now on."""
    taken = tab.view.taken
    if taken is None or not await is_live(tab):
        return
    names = [name for name in taken.processors.names if name not in ("raw", "log_softmax")]
    text = f"What the processors would have made of the logits of step {tab.at}; the model does not run."
    at, row = tab.at, tab.view.row_of_step

    async def take(changes: Changes) -> None:
        await tab.driver.ask("looking", lambda generation: moves.what_if(generation, at, row, changes))

    screen = ChangeScreen("What if …", text, FOR_A_STEP, await known_options(tab), names, (), tab.driver.offers, take)
    changes = await tab.app.push_screen_wait(screen)
    if changes is not None:
        tab.lens = changes
        await look(tab)
        tab.view.show_last_processors()


async def look(tab: GenerateTab) -> None:
    """Work out the what-if, and where followed tokens stand, for the step that is looked at."""
    driver, view, lens, followed = tab.driver, tab.view, tab.lens, list(tab.followed)
    if view.step is None or driver.running or not driver.live:
        return
    at, row = view.at, view.row_of_step

    def work(generation: Generation) -> tuple[Stages | None, dict[int, Asked]]:
        stages = None if lens is None else moves.what_if(generation, at, row, lens)
        return stages, {token: moves.asked(generation, token, at, row) for token in followed}

    try:
        stages, asked = await driver.ask("looking", work)
    except InspectorError:
        tab.leave_lens()
        raise
    if (at, row) == (view.at, view.row_of_step):
        view.compare_with(stages, "" if lens is None else lens.words)
        view.follow(asked)


async def look_at_branch(tab: GenerateTab, name: str) -> None:
    """Look at the end of another branch."""
    if tab.driver.live:
        await tab.driver.do("looking", lambda generation: moves.look(generation, name))
    elif tab.moment is not None:
        tab.driver.moment = recorded(tab.moment.record, name)


async def colour(tab: GenerateTab) -> None:
    """Choose what colours the tokens."""
    choices = [Choice(measure.name, measure.help) for measure in MEASURES.values()]
    chosen = await tab.app.push_screen_wait(MenuScreen("Colour the tokens by", choices))
    if chosen is not None:
        tab.view.colour_by(chosen.name)


async def follow(tab: GenerateTab) -> None:
    """Follow any token through the processors, of this step and of each that is looked at from now on."""
    if tab.view.step is None or not await is_live(tab):
        return
    generation = tab.driver.generation
    assert generation is not None
    screen = ForceScreen((), "", generation.token_of, title="Follow a token", key="enter follow")
    chosen = await tab.app.push_screen_wait(screen)
    if chosen is not None:
        tab.followed = [token for token in tab.followed if token != chosen.token] + [chosen.token]
        await look(tab)


async def forward(tab: GenerateTab) -> None:
    """Go to the model's calls of this step: those that were recorded, or of the forward run again."""
    step, trace = tab.view.step, tab.run.trace
    if step is None:
        return
    if not tab.driver.live and trace.generation is not None and trace.calls:
        await tab.inspector_screen.go(next((call.index for call in trace.calls if call.step == step.forward), 0))
        return
    if not await is_live(tab):
        return
    at, calls = tab.at, tab.driver.started.calls
    made, first = await tab.driver.ask(
        f"Running the forward of step {at} again",
        lambda generation: moves.forward_of(generation, at, calls=calls),
        modal=True,
    )
    python = [*copying.python(tab), "trace = generation.trace()" if calls else f"trace = generation.trace_step({at})"]
    tab.show_within(made, f"The forward of step {at}.", python, first)


async def views(tab: GenerateTab) -> None:
    """The whole generation as a trace, under all tabs, where this step's calls are gone into. Where the calls were not
    recorded, the steps are run again for that.
    """
    driver, question, at = tab.driver, tab.run.question, tab.at
    if tab.view.step is None or question is None or not await is_live(tab):
        return
    steps = counted(len(tab.steps), "step")
    python = copying.python(tab)
    if driver.started.calls:
        trace = await driver.ask("Putting the generation together", lambda generation: generation.trace(), modal=True)
        python.append("trace = generation.trace()")
    else:
        trace = await driver.run_again(question, f"Running {steps} again, to record the model's calls")
        python.append(f"trace = generation.trace_again(stats={question.stats}, values={list(question.values)!r})")
    assert trace.generation is not None
    forward = trace.generation.steps()[at].forward
    first = next((call.index for call in trace.calls if call.step == forward), None)
    tab.show_within(trace, f"The generation as a whole, {steps}.", python, first)


async def save(tab: GenerateTab, directory: Path) -> None:
    """Save the generation with all its branches as a trace."""
    written = await tab.driver.ask("Saving the generation", lambda generation: generation.save(directory), modal=True)
    tab.say(f"Saved {written}")


async def compare(tab: GenerateTab) -> None:
    """Put another branch beside the one that is looked at."""
    moment = tab.moment
    others = [] if moment is None else [name for name in tab.branches if name != moment.branch]
    if moment is None or not others:
        tab.say("There is one branch alone: t takes another token in a branch of its own, B begins one.", warn=True)
        return
    name = others[0]
    if len(others) > 1:
        choices = [Choice(other, _text(moment, other, tab.view.row)) for other in reversed(others)]
        chosen = await tab.app.push_screen_wait(MenuScreen(f"Compare {moment.branch} with", choices))
        if chosen is None:
            return
        name = chosen.name
    left, right = Side(moment.branch, moment.steps), Side(name, steps_along(moment.record, name))
    step = await tab.app.push_screen_wait(CompareScreen(left, right, tab.view.row))
    if step is not None and step < len(moment.steps):
        tab.view.go(step)


def _text(moment: Moment, name: str, row: int) -> str:
    """How a branch reads."""
    texts = moment.record.branches[name].texts
    return texts[row] if row < len(texts) else ""
