"""What the keys of the tab ask, each as a coroutine that reads from top to bottom: a dialog, a job, what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inspector.tui.generate import moves, words
from inspector.tui.generate.change import FOR_A_STEP, FROM_HERE, ChangeScreen
from inspector.tui.generate.driver import Start
from inspector.tui.generate.force import ForceScreen
from inspector.tui.generate.moves import Changes
from inspector.tui.generate.naming import NameScreen, free_name
from inspector.tui.generate.start import NAMES, StartScreen
from inspector.tui.generate.until import UntilScreen
from inspector.tui.widgets.cells import visible

if TYPE_CHECKING:
    from inspector.tui.generate.tab import GenerateTab


async def start(tab: GenerateTab) -> None:
    """Begin a generation with options of the reader's own."""
    if _hindered(tab):
        return
    session = tab.run.session
    assert session is not None
    defaults = session.model.generation_config
    known = {name: getattr(defaults, name, None) for name in (*NAMES, "do_sample")}
    screen = StartScreen(
        words.question_of(tab.run),
        known,
        list(session.plugins.logits_processors),
        again=tab.driver.live,
        take=lambda begin: tab.driver.begin(tab.run, begin),
    )
    if await tab.app.push_screen_wait(screen) is None:
        return
    tab.leave_lens()
    tab.show()
    await tab.driver.do("making a step", lambda generation: moves.step(generation, -1))


async def step(tab: GenerateTab) -> None:
    """Look at the next step; make one where there is none yet, or where something is to change."""
    view, moment = tab.view, tab.moment
    if moment is not None and not moment.changes and view.at < len(moment.steps) - 1:
        view.at += 1
        return
    if not await is_live(tab) or _ended(tab):
        return
    at = tab.at
    await tab.driver.do("making a step", lambda generation: moves.step(generation, at))


async def run(tab: GenerateTab) -> None:
    """Go on to the end."""
    if await is_live(tab) and not _ended(tab):
        await tab.driver.run(tab.at, None)


async def record(tab: GenerateTab) -> None:
    """Begin with the model's own options, the calls of every step recorded, and run: v then shows it under all tabs."""
    if tab.driver.live:
        tab.say("A generation has begun. N begins another, with a box for recording the model's calls.", warn=True)
    elif not _hindered(tab):
        await tab.driver.begin(tab.run, Start(calls=True))
        await tab.driver.run(tab.at, None)


async def until(tab: GenerateTab) -> None:
    """Go on until a condition holds, on what is recorded first."""
    from inspector.generation.until import parse

    if not await is_live(tab):
        return
    taken = tab.view.taken
    names = [criterion.name for criterion in taken.stopping] if taken is not None else []
    condition = await tab.app.push_screen_wait(UntilScreen(tab.condition, names))
    if condition is None:
        return
    tab.condition = condition
    if not await tab.driver.run(tab.at, parse(condition)):
        tab.say(f"{condition} was not met.")


async def force(tab: GenerateTab) -> None:
    """Take another token."""
    if not await is_live(tab):
        return
    view, generation = tab.view, tab.driver.generation
    taken = view.taken
    candidates = () if taken is None else taken.processors[0].top  # the model's own, also what was removed
    chosen = None if taken is None else taken.chosen
    place = "" if chosen is None else f"{visible(chosen.text, spaces=True)!r} at step {view.at}"
    assert generation is not None
    forced = await tab.app.push_screen_wait(ForceScreen(candidates, place, generation.token_of))
    if forced is not None:
        await take(tab, forced.token, in_place=forced.in_place or not place)


async def take(tab: GenerateTab, token: int, *, in_place: bool = True) -> None:
    """Take a token in place of the one that is looked at, or as the next one."""
    if not await is_live(tab):
        return
    at, row, taken = tab.at, _row(tab), tab.view.taken
    if in_place and taken is not None and taken.chosen is not None and taken.chosen.id == token:
        tab.say(f"{visible(taken.chosen.text, spaces=True)!r} is what was chosen at step {at} already.")
        return
    make = moves.force if in_place else moves.force_next
    await tab.driver.do("forcing a token", lambda generation: make(generation, at, token, row))


async def change(tab: GenerateTab) -> None:
    """Other settings from the next step on."""
    if not await is_live(tab):
        return
    at = tab.at
    known, offers = await known_options(tab), tab.driver.offers
    names = await tab.driver.ask("looking", lambda generation: (generation.processors, generation.off))
    text = f"From step {at + 1} on" + (", in a branch." if at < len(tab.steps) - 1 else ".")

    async def take(changes: Changes) -> None:
        await tab.driver.do("changing settings", lambda generation: moves.change(generation, at, changes))

    await tab.app.push_screen_wait(ChangeScreen("Settings", text, FROM_HERE, known, *names, offers, take))


async def adopt(tab: GenerateTab) -> None:
    """Make the step that is looked at anew with the settings of the what-if."""
    lens, at = tab.lens, tab.at
    if lens is None:
        tab.say("W makes this step anew with the settings of a what-if; w asks for one.", warn=True)
        return
    tab.leave_lens()
    await tab.driver.do("making the step anew", lambda generation: moves.adopt(generation, at, lens))


async def forget(tab: GenerateTab) -> None:
    """Drop the changes that wait for the next step."""
    at = tab.at
    if tab.driver.live:
        await tab.driver.do("forgetting changes", lambda generation: moves.forget(generation, at))


async def branch(tab: GenerateTab) -> None:
    """Begin a branch after the step that is looked at."""
    if not await is_live(tab):
        return
    at, taken = tab.at, tab.branches
    text = f"After step {at}; n goes on in it." if at >= 0 else "From the beginning; n goes on in it."
    name = await tab.app.push_screen_wait(NameScreen("Begin a branch", text, free_name(taken), taken))
    if name is not None:
        await tab.driver.do("branching", lambda generation: moves.branch(generation, at, name))


async def rename(tab: GenerateTab) -> None:
    """Give the branch that is looked at another name."""
    if tab.moment is None or not await is_live(tab):
        return
    at, old = tab.at, tab.moment.branch
    others = [name for name in tab.branches if name != old]
    name = await tab.app.push_screen_wait(NameScreen("Rename the branch", f"{old} is to be called:", old, others))
    if name is not None and name != old:
        await tab.driver.do("renaming", lambda generation: moves.rename(generation, at, name))


async def is_live(tab: GenerateTab) -> bool:
    """Whether there is a generation that can go on; one with the model's own options is begun where there is none."""
    if tab.driver.live:
        return True
    if _hindered(tab):
        return False
    await tab.driver.begin(tab.run, Start())
    return tab.driver.live


def _hindered(tab: GenerateTab) -> bool:
    problem = words.hindrance(tab.run)
    if problem:
        tab.say(problem, warn=True)
    return bool(problem)


def _ended(tab: GenerateTab) -> bool:
    """Whether the branch has come to its end, which is said, with what can be done."""
    moment = tab.moment
    if moment is None or moment.reason is None or moment.changes:
        return False
    tab.say(
        f"{moment.branch} ended after {len(moment.steps)} steps: {moment.reason}. With e, a larger max_new_tokens lets "
        "it go on; t takes another token on the way; N begins anew."
    )
    return True


def _row(tab: GenerateTab) -> int | None:
    """The row that a token is forced in: the one that is looked at, None where there is one alone, or beams."""
    moment = tab.moment
    return None if moment is None or moment.rows == 1 or moment.is_beam_search else tab.view.row


async def known_options(tab: GenerateTab) -> dict[str, Any]:
    """The options that hold now, by name; for a step that is recorded those of its processors."""
    config = await tab.driver.ask("looking", lambda generation: generation.config)
    found = {name: getattr(config, name, None) for name in (*FOR_A_STEP, *FROM_HERE, "do_sample")}
    taken = tab.view.taken
    for stage in taken.processors if taken is not None else ():
        if stage.name in found and stage.parameters:
            found[stage.name] = next(iter(stage.parameters.values()))
    return found
