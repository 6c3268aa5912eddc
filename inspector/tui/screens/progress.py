"""A job on its way: what it is doing, how far it is, and `esc` to stop it."""

from __future__ import annotations

from time import monotonic
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import ProgressBar, Static

from inspector.tui.jobs import Job
from inspector.tui.messages import Advanced, Ended, Progress
from inspector.tui.screens.dialog import Dialog

PATIENCE = 2.0
"""Seconds after which the time is shown as well."""


class ProgressScreen(Dialog[None]):
    """Shows a job until it ends; the result is the job's. `esc` cancels the job, which ends it here at once."""

    DEFAULT_CSS = """
    ProgressScreen > VerticalGroup { width: 64; }
    ProgressScreen ProgressBar { width: 1fr; margin-top: 1; }
    ProgressScreen Bar { width: 1fr; }
    """

    def __init__(self, job: Job[Any]) -> None:
        super().__init__(job.name, "esc stop")
        self._job = job
        self._began = monotonic()

    def body(self) -> ComposeResult:
        yield Static(Content(""), id="stage")
        yield ProgressBar(show_percentage=False, show_eta=False)

    def on_mount(self) -> None:
        self._job.watch(self)
        self.set_interval(1.0, lambda: self._show(self._job.progress))

    def on_unmount(self) -> None:
        self._job.watch(None)

    def on_advanced(self, event: Advanced) -> None:
        self._show(event.progress)

    def on_ended(self, event: Ended) -> None:
        if self.is_current:
            self.dismiss(None)

    def action_leave(self) -> None:
        self._job.cancel()

    def _show(self, progress: Progress) -> None:
        self.query_one("#stage", Static).update(Content(self._words(progress)))
        bar = self.query_one(ProgressBar)
        bar.update(total=None if progress.fraction is None else 1.0, progress=progress.fraction or 0.0)

    def _words(self, progress: Progress) -> str:
        seconds = monotonic() - self._began
        words = [progress.stage]
        if progress.calls:
            words.append(f"{progress.calls:,} calls")
        if seconds >= PATIENCE:
            words.append(f"{seconds:.0f} s")
        return " · ".join(words)
