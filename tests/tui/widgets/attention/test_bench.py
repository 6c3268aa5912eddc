"""Looks are worked out in a thread of their own, whose number of torch threads is nobody else's."""

from __future__ import annotations

import threading

import torch

from inspector.tui.widgets.attention.bench import Bench
from tests.tui.apps import Quiet


def in_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


async def test_a_look_has_one_thread_of_torch_and_everything_else_as_many_as_before() -> None:
    usual = torch.get_num_threads()
    torch.set_num_threads(3)
    app = Quiet()
    try:
        async with app.run_test():
            bench = Bench()
            bench.open(app)
            assert await bench.run(torch.get_num_threads) == 1
            assert (torch.get_num_threads(), in_a_new_thread()) == (3, 3)
            bench.close()
    finally:
        torch.set_num_threads(usual)
