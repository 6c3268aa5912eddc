"""A loop in a thread of its own: it runs when it is pulled, stands still between, and ends whatever happens."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time

import pytest
import torch

from inspector import Cancelled, InputError, Session
from inspector.generation.pulled import Channel, Pulled
from inspector.generation.randomness import Randomness
from tests.generation.conftest import inputs_of
from tests.recording.modules import hooks_of

NAME = "inspector-generation"


def test_nothing_runs_ahead_of_the_caller() -> None:
    done: list[int] = []

    def work(channel: Channel[int]) -> None:
        for number in range(3):
            done.append(number)
            channel.hand_over(number)

    pulled = Pulled(work, NAME)
    time.sleep(0.02)
    assert done == []
    assert pulled.pull() == 0
    time.sleep(0.02)
    assert done == [0]
    assert [pulled.pull(), pulled.pull(), pulled.pull(), pulled.pull()] == [1, 2, None, None]
    assert pulled.ended


def test_what_the_loop_raises_is_raised_in_the_caller() -> None:
    def work(channel: Channel[int]) -> None:
        channel.hand_over(1)
        raise ArithmeticError("in the loop")

    pulled = Pulled(work, "one that raises")
    pulled.pull()
    with pytest.raises(ArithmeticError, match="in the loop"):
        pulled.pull()
    assert pulled.ended
    wait_for(lambda: threads("one that raises") == [])


def test_closing_unwinds_the_loop() -> None:
    unwound: list[bool] = []

    def work(channel: Channel[int]) -> None:
        try:
            while True:
                channel.hand_over(1)
        except Exception:
            unwound.append(False)
        finally:
            unwound.append(True)

    pulled = Pulled(work, NAME)
    pulled.pull()
    pulled.close()
    pulled.close()
    assert unwound == [True]
    assert pulled.pull() is None


def test_what_is_forgotten_ends_by_itself(text: Session) -> None:
    gc.collect()
    generation = text.generate(inputs=inputs_of(text, 1), max_new_tokens=5)
    generation.step()
    wait_for(lambda: len(threads()) == 1)
    del generation
    wait_for(lambda: threads() == [])


def test_closing_a_generation_leaves_the_record_and_no_thread(text: Session) -> None:
    gc.collect()
    with text.generate(inputs=inputs_of(text, 1), max_new_tokens=5, do_sample=True, seed=1) as generation:
        generation.step()
        generation.branch(0)
        generation.step()
    wait_for(lambda: threads() == [])
    assert len(generation.steps) == 2
    assert generation.what_if(0, temperature=2.0)["temperature"].entropy > 0
    assert hooks_of(text.model) == 0


def test_cancelling_stops_a_run_in_another_thread_and_one_can_go_on(text: Session) -> None:
    asked = {"inputs": inputs_of(text, 1), "max_new_tokens": 2000, "do_sample": True, "eos_token_id": None}
    generation = text.generate(**asked, seed=2)
    caught: list[BaseException] = []

    def run() -> None:
        try:
            generation.run()
        except Cancelled as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: len(generation.steps) > 3)
    generation.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert hooks_of(text.model) == 0
    made = len(generation.steps)
    generation.run(steps=5)
    assert len(generation.steps) == made + 5
    again = text.generate(**asked, seed=2)
    again.run(steps=made + 5)
    assert again.sequences.tolist() == generation.sequences.tolist()  # type: ignore[union-attr]


def test_pausing_lets_a_run_return_after_its_step(text: Session) -> None:
    generation = text.generate(inputs=inputs_of(text, 1), max_new_tokens=2000, eos_token_id=None)
    last = generation.run(on_step=lambda step: generation.pause() if step.index == 4 else None)
    assert last is not None
    assert last.index == 4
    assert generation.run(steps=2) is generation.steps[6]


def test_nobody_else_may_run_the_model_within_a_step_but_between_two(text: Session) -> None:
    generation = text.generate(inputs=inputs_of(text, 1), max_new_tokens=6, seed=3)
    generation.step()
    assert len(text.trace("in between").calls) > 0
    generation.run()
    assert generation.sequences is not None


def test_random_numbers_are_each_ones_own() -> None:
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    own = Randomness(3, torch.device("cpu"))
    mine = []
    seen = []
    for _ in range(4):
        seen.append(torch.rand(1))
        with own.installed():
            mine.append(torch.rand(1))
    assert torch.equal(torch.cat(seen), expected)
    torch.manual_seed(3)
    assert torch.equal(torch.cat(mine), torch.rand(4))


def test_without_a_seed_each_generation_is_another_and_can_be_had_again(text: Session) -> None:
    inputs = inputs_of(text, 1)
    first, second = (text.generate(inputs=inputs, max_new_tokens=8, do_sample=True) for _ in range(2))
    first.run()
    second.run()
    assert first.seed != second.seed
    assert first.sequences.tolist() != second.sequences.tolist()  # type: ignore[union-attr]
    again = text.generate(inputs=inputs, max_new_tokens=8, do_sample=True, seed=first.seed)
    again.run()
    assert again.sequences.tolist() == first.sequences.tolist()  # type: ignore[union-attr]


def test_a_session_without_weights_cannot_generate(text: Session) -> None:
    from inspector import load

    with pytest.raises(InputError, match="random_weights"):
        load(text.reference, shape_only=True).generate("hi")


def threads(name: str = NAME) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def wait_for(condition: object) -> None:
    for _ in range(500):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


PARKED = """
import atexit
import time

atexit.register(time.sleep, 0.2)  # called last: whatever was woken at the exit is at work then

import torch
from inspector.generation.pulled import Channel, Pulled

def work(channel: Channel[int]) -> None:
    try:
        channel.hand_over(1)
    finally:  # what unwinds a loop of a model: the interpreter ends while torch is at work without its lock
        square = torch.ones(1500, 1500)
        for _ in range(20):
            square @ square

pulled = Pulled(work, "parked")
assert pulled.pull() == 1
"""


def test_a_program_ends_in_peace_while_a_loop_stands_still() -> None:
    """Were the loop unwound then, its thread would be killed inside torch: `terminate called`, and SIGABRT."""
    done = subprocess.run([sys.executable, "-c", PARKED], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
