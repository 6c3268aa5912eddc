"""Jobs: what is told, to whom, and what a cancelled one does."""

from __future__ import annotations

import asyncio
import threading

import pytest
from textual.app import App

from inspector.errors import Cancelled
from inspector.tui.jobs import Job
from inspector.tui.messages import Advanced, Progress


class Watcher(App[None]):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Progress | str] = []

    def on_advanced(self, event: Advanced) -> None:
        self.told.append(event.progress)

    def on_ended(self) -> None:
        self.told.append("ended")


async def test_the_result_is_what_the_work_returned() -> None:
    assert await Job("add", lambda job: 1 + 1).start().result() == 2


async def test_an_error_is_raised_where_the_result_is_awaited() -> None:
    def work(job: Job[None]) -> None:
        raise ValueError("no")

    job = Job("fail", work).start()
    with pytest.raises(ValueError, match="no"):
        await job.result()
    assert job.failed


async def test_a_cancelled_job_ends_at_once_and_its_thread_when_it_reports() -> None:
    entered, go_on = threading.Event(), threading.Event()
    stopped: list[str] = []

    def work(job: Job[str]) -> str:
        entered.set()
        go_on.wait(10)
        try:
            job.report("further")
        except Cancelled:
            stopped.append("in the thread")
            raise
        return "never"

    job = Job("wait", work).start()
    await asyncio.to_thread(entered.wait, 10)
    job.cancel()
    with pytest.raises(Cancelled):
        await job.result()
    assert job.alive
    go_on.set()
    await asyncio.to_thread(job._thread.join, 10)
    assert stopped == ["in the thread"]


async def test_cancelling_a_job_that_is_over_changes_nothing() -> None:
    job = Job("quick", lambda job: "done").start()
    assert await job.result() == "done"
    job.cancel()
    assert await job.result() == "done"


async def test_a_screen_is_told_where_a_job_stands_and_that_it_ended() -> None:
    go_on = threading.Event()

    def work(job: Job[None]) -> None:
        job.report("reading", 0.5)
        go_on.wait(10)

    app = Watcher()
    async with app.run_test() as pilot:
        job = Job("read", work)
        job.watch(app)
        job.start()
        await pilot.pause(0.2)
        go_on.set()
        await job.result()
        await pilot.pause()
    assert app.told[0] == Progress()
    assert Progress("reading", 0.5) in app.told
    assert app.told[-1] == "ended"


async def test_many_counts_are_few_messages() -> None:
    def work(job: Job[None]) -> None:
        for calls in range(20_000):
            job.count(calls)

    app = Watcher()
    async with app.run_test() as pilot:
        job = Job("count", work)
        job.watch(app)
        await job.start().result()
        await pilot.pause()
    assert len(app.told) < 200
    assert job.progress.calls == 19_999


async def test_counting_never_raises_in_a_hook() -> None:
    job = Job("hook", lambda job: None)
    job.cancel()
    job.count(3)
    with pytest.raises(Cancelled):
        job.report("further")
