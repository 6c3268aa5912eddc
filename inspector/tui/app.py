"""The terminal program: it puts screens in front and starts what takes time. Everything else is theirs.

Neither torch nor transformers is imported with this module: the first screen is painted before they are.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import WorkerFailed

from inspector.models.inputs import Request
from inspector.tui import keymap, opening, terminal
from inspector.tui.jobs import Job
from inspector.tui.runs import Library, Question, Run
from inspector.tui.screens.launcher import LauncherScreen
from inspector.tui.screens.opening import OpeningScreen
from inspector.tui.settings import Settings, config_dir
from inspector.tui.theme import DARK, LIGHT, THEMES
from inspector.tui.tour.stops import TARGET
from inspector.tui.tour.touring import Touring

if TYPE_CHECKING:
    from textual.command import Provider

    from inspector.models import Options
    from inspector.tui.screens.inspector import InspectorScreen

T = TypeVar("T")

CALM = 1.0
"""Seconds after which a trace is on the screen, and what is only looked up later may be worked out."""


def _actions() -> type[Provider]:
    from inspector.tui.palette import Actions

    return Actions


def _places() -> type[Provider]:
    from inspector.tui.palette import Places

    return Places


class InspectorApp(Touring):
    """Opens `target` (a model reference or a saved trace) with `request`, or the launcher where there is no target.

    With `tour` it opens the bundled model, and leads through the screens.
    """

    TITLE = "Inspector"
    BINDING_GROUP_TITLE = "Program"
    # Textual leaves a cell free to the right of the palette's key, where keys that have no room would show through.
    CSS = "Footer.-compact FooterKey.-command-palette { margin: 0; padding-right: 1; }"
    COMMANDS = App.COMMANDS | {_actions, _places}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Leave the program", show=False, priority=True),
    ]

    def __init__(
        self,
        target: str | None = None,
        request: Request | None = None,
        options: Options | None = None,
        *,
        stats: bool = True,
        values: tuple[str, ...] = ("*",),
        budget: int | None = None,
        tour: bool = False,
    ) -> None:
        super().__init__()
        self.target = TARGET if tour else target
        self._tour = tour
        self.question = Question(request or Request(), stats, values, budget)
        self.library = Library(options)
        self.settings = Settings(config_dir())
        self.jobs: list[Job[Any]] = []
        self._keys_read = False
        for theme in THEMES:
            self.register_theme(theme)
        remembered = self.settings.get("theme", DARK.name)
        self.theme = remembered if remembered in self.available_themes else DARK.name

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self.settings.remember(theme=theme.name))
        terminal.on_termination(lambda code: self.exit(return_code=code))
        self.push_screen(LauncherScreen() if self.target is None else OpeningScreen(self.target))

    def on_painted(self) -> None:
        """Begin with what the paint did not wait for."""
        if not self._keys_read:
            self._keys_read = True
            keymap.install(self, config_dir() / keymap.FILE)
            if self._tour:
                self.begin_tour()
        if isinstance(self.screen, LauncherScreen):
            self.run_worker(opening.list_entries(self, self.screen), group="listing", exclusive=True)
        elif self.target is not None:
            self.follow(opening.open_target(self, self.target, self.question if self.question.complete else None))

    def on_unmount(self) -> None:
        for job in self.jobs:
            job.cancel()

    def run(self, **arguments: Any) -> None:
        """Run until the user leaves, and give the terminal back whole. `return_code` is the exit code.

        A job that cannot be stopped does not hold the process up: it ends here, with that code. An error of our own is
        raised once the screen is left.
        """
        with terminal.quick_keyboard(), terminal.guarded_screen():
            super().run(**arguments)
        if isinstance(self._exception, WorkerFailed):
            raise self._exception.error
        if self._exception is not None:
            raise self._exception
        terminal.end_with(self.jobs, self.return_code or 0)
        return self.return_value

    def job(self, name: str, work: Callable[[Job[T]], T]) -> Job[T]:
        """Start work in a thread; the program cancels it when it ends."""
        self.jobs = [job for job in self.jobs if job.alive]
        started = Job(name, work).start()
        self.jobs.append(started)
        return started

    def follow(self, steps: Coroutine[Any, Any, None]) -> None:
        """Run steps that open something. What was being opened before is let go."""
        self.run_worker(steps, group="opening", exclusive=True)

    def show(self, run: Run) -> None:
        """Put a trace in front, in place of what was there."""
        from inspector.tui.screens.inspector import InspectorScreen

        self._replace(InspectorScreen(run, lambda: self.library.views, self.library.tabs))
        self.set_timer(CALM, lambda: self.job("Looking around in the trace", partial(self.library.warm, run.trace)))

    @work
    async def action_load_options(self) -> None:
        """Choose how models are loaded that are opened from now on."""
        from inspector.models import Options
        from inspector.tui.screens.load_options import LoadOptionsScreen, in_words

        chosen = await self.push_screen_wait(LoadOptionsScreen(self.library.options or Options()))
        if chosen is not None:
            self.library.options = chosen
            self.notify(f"Models load with: {in_words(chosen) or 'the defaults'}.", markup=False)

    def action_launcher(self) -> None:
        """Go to the launcher, whatever is in front."""
        self._replace(LauncherScreen())

    def action_help(self) -> None:
        from inspector.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_picture(self) -> None:
        """Save what the terminal shows as an SVG in the current directory, under the first name that is free."""
        from inspector.tui.widgets.canvas import flattened

        file = next(name for number in range(1, 10**6) if not (name := Path(f"inspector-{number}.svg")).exists())
        with flattened(self):
            picture = self.export_screenshot()
        try:
            file.write_text(picture, encoding="utf-8")
        except OSError as error:
            self.notify(f"{file.absolute()} cannot be written: {error.strerror}.", severity="error", markup=False)
        else:
            self.notify(f"Saved {file.absolute()}", markup=False)

    def action_write_keys(self) -> None:
        """Write a keymap to be changed, where there is none, and say where it lies."""
        file = config_dir() / keymap.FILE
        try:
            keymap.write_template(file)
        except OSError as error:
            self.notify(f"{file} cannot be written: {error.strerror}.", severity="error", markup=False)
        else:
            self.notify(f"Change {file} and start again.", title="Keys", timeout=10, markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme: dark", "Light on dark", lambda: setattr(self, "theme", DARK.name))
        yield SystemCommand("Theme: light", "Dark on light", lambda: setattr(self, "theme", LIGHT.name))
        yield SystemCommand("Theme: another", "Choose among all themes", self.action_change_theme)
        yield SystemCommand("Keys", "Change keys: writes a keymap and says where it is", self.action_write_keys)
        yield SystemCommand("Load with", "Device, dtype, kernel and weights of models", self.action_load_options)
        yield SystemCommand("Tour", "Five minutes with the bundled model", lambda: self.follow(opening.tour(self)))
        yield SystemCommand("Picture", "Save the screen as an SVG", lambda: self.set_timer(0.2, self.action_picture))

    def on_launcher_screen_opened(self, event: LauncherScreen.Opened) -> None:
        self.follow(opening.open_target(self, event.reference))

    def on_launcher_screen_highlighted(self, event: LauncherScreen.Highlighted) -> None:
        self.run_worker(opening.find_facts(self, event.reference), group="facts", exclusive=True)

    def on_inspector_screen_ask_again(self, event: InspectorScreen.AskAgain) -> None:
        self.follow(opening.ask_again(self, event.run))

    def on_inspector_screen_saving(self, event: InspectorScreen.Saving) -> None:
        self.run_worker(opening.save(self, event.run.trace, event.directory), group="saving")

    def _fatal_error(self) -> None:
        """Leave the screen on an error of our own; `run` raises it then. Textual would print it with all its locals."""
        self.panic()

    def _replace(self, screen: Screen[Any]) -> None:
        """Put a screen in place of what was there, with everything that was gone into from it."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)
