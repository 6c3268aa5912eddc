"""What stepping costs: a record of every step against plain generate, going back, branching, and memory a step.

The shape of Qwen2.5-0.5B with random weights in float32, sdpa, one thread, a prompt of 128 tokens. Plain and recorded
runs take turns; of each the median decoding step counts, and of their ratios the median over the rounds.

    python -m tests.benchmarks.generation [--rounds N] [--steps N] [--branch N] [--tiny]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

import inspector
from inspector import Session, Table
from inspector.generation.generation import Generation
from tests.benchmarks.harness import _status, put, table

LENGTH = 128
VOCABULARY = 152_000
ENDLESS = {"eos_token_id": None, "pad_token_id": 0}
SAMPLING = {"do_sample": True, "temperature": 0.8, "top_k": 50, "top_p": 0.95, "repetition_penalty": 1.1}
GREEDY = {"do_sample": False, "repetition_penalty": 1.0}
KINDS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "greedy": (GREEDY, {}),
    "greedy, calls": (GREEDY, {"calls": True}),
    "sampling, 4 processors": (SAMPLING, {}),
    "sampling, 4 processors, calls": (SAMPLING, {"calls": True}),
    "2 beams": ({**GREEDY, "num_beams": 2}, {}),
}
"""Options of both, and what the recorded run is asked for beside them."""


Ticks = list[tuple[float, float]]
"""Wall and processor time at the same place of each step."""


class Ticking(LogitsProcessor):  # type: ignore[misc]
    """Notes when the loop comes by, and changes nothing."""

    def __init__(self) -> None:
        self.at: Ticks = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.at.append(now())
        return scores


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def plain(session: Session, inputs: dict[str, Any], steps: int, options: dict[str, Any]) -> tuple[float, float]:
    """The median wall and processor seconds of a decoding step of transformers' own generate."""
    ticks = Ticking()
    torch.manual_seed(0)
    session.model.generate(**inputs, max_new_tokens=steps, logits_processor=[ticks], **ENDLESS, **options)
    return median_gaps(ticks.at)


def recorded(session: Session, inputs: dict[str, Any], steps: int, options: dict[str, Any]) -> tuple[float, float]:
    """The same of a generation that is stepped and recorded."""
    at: Ticks = []
    with session.generate(inputs=inputs, max_new_tokens=steps, seed=0, **ENDLESS, **options) as generation:
        generation.run(on_step=lambda step: at.append(now()))
    return median_gaps(at)


def median_gaps(at: Ticks) -> tuple[float, float]:
    gaps = [(later[0] - earlier[0], later[1] - earlier[1]) for earlier, later in pairwise(at)]
    return statistics.median(gap[0] for gap in gaps), statistics.median(gap[1] for gap in gaps)


def cost(session: Session, rounds: int, steps: int) -> Table:
    """Ratios of a recorded to a plain decoding step: in wall time, and in the processor's, which others that share the
    machine disturb less.
    """
    inputs = {"input_ids": torch.arange(LENGTH)[None] % session.model.config.vocab_size}
    rows = []
    for name, (options, asked) in KINDS.items():
        pairs = [one_round(session, inputs, steps, options, asked, turned=bool(turn % 2)) for turn in range(rounds + 1)]
        wall, processor = zip(*pairs[1:], strict=True)
        ratios = [ours / bare for bare, ours in wall], [ours / bare for bare, ours in processor]
        bare, ours = (statistics.median(pair[place] for pair in wall) for place in range(2))
        rows.append((name, bare, ours, *map(statistics.median, ratios), 1.05, min(ratios[1]), max(ratios[1])))
    columns = ("", "plain seconds", "recorded seconds", "wall ×", "processor ×", "asked", "least", "most")
    return table(f"A step, {torch.get_num_threads()} thread", columns, rows, f"{rounds} rounds of {steps} steps.")


def one_round(
    session: Session,
    inputs: dict[str, Any],
    steps: int,
    options: dict[str, Any],
    asked: dict[str, Any],
    *,
    turned: bool,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Plain and recorded seconds, of the wall and of the processor; `turned` runs the recorded one first."""
    gc.collect()
    if turned:
        ours = recorded(session, inputs, steps, {**options, **asked})
        bare = plain(session, inputs, steps, options)
    else:
        bare = plain(session, inputs, steps, options)
        ours = recorded(session, inputs, steps, {**options, **asked})
    return (bare[0], ours[0]), (bare[1], ours[1])


def going_back(session: Session, at: int) -> Table:
    """Seconds of going back, of what-if, and of a branch against running what comes before it."""
    ids = torch.arange(LENGTH)[None] % session.model.config.vocab_size
    generation = session.generate(inputs={"input_ids": ids}, max_new_tokens=at + 8, seed=0, **ENDLESS, **SAMPLING)
    generation.run(steps=at + 4)
    rows = [
        ("back to the first step, its record read", *timed(lambda: read(generation)), 0.05),
        ("what-if on a step", *timed(lambda: generation.what_if(at // 2, temperature=0.5, off=["top_k"])), None),
        ("a token through the pipeline of a step", *timed(lambda: generation.standing(7, at // 2)), None),
    ]
    prefix = generation.sequences[:, : LENGTH + at]  # type: ignore[index]
    again = timed(lambda: prefill(session, prefix))
    branch = timed(lambda: branched(generation, at, 1))
    both = timed(lambda: branched(generation, at, 2))
    rows += [
        (f"the {LENGTH + at} tokens before step {at} run again, in one forward", *again, None),
        (f"a branch at step {at}: its first step", *branch, again[0] / 10),
        (f"a branch at step {at}: its first two steps, one forward", *both, None),
    ]
    generation.close()
    return table("Going back", ("", "median seconds", "least seconds", "asked seconds"), rows)


def read(generation: Generation) -> None:
    generation.go(len(generation.steps))
    step = generation.back(len(generation.steps) - 1)
    assert step is not None
    next(iter(step.lines()))


@torch.no_grad()
def prefill(session: Session, ids: Tensor) -> None:
    session.model(input_ids=ids, use_cache=True, logits_to_keep=1)


def branched(generation: Generation, at: int, steps: int) -> None:
    generation.look("main")
    generation.branch(at - 1)
    generation.set(temperature=0.5)
    generation.run(steps=steps)


def timed(work: Callable[[], Any], times: int = 7) -> tuple[float, float]:
    """Median and least seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found), min(found)


def memory(steps: int) -> Table:
    """Bytes that a step's record takes, with a vocabulary of 152,000 and a model that takes next to nothing itself."""
    rows = []
    for name, options in (("greedy", GREEDY), ("sampling, 4 processors", SAMPLING)):
        with TemporaryDirectory() as folder:
            session = small(Path(folder))
        generation = session.generate("hi", max_new_tokens=2 * steps + 20, seed=0, **ENDLESS, **options)
        generation.run(steps=steps)
        gc.collect()
        before = _status("VmRSS")
        generation.run(steps=steps)
        gc.collect()
        grown = (_status("VmRSS") - before) / steps
        rows.append((name, int(grown), 64 * 1024, generation._stepping.store.nbytes // len(generation.steps)))
        generation.close()
    columns = ("", "memory bytes", "asked bytes", "disk bytes")
    return table(f"A step's record, {VOCABULARY:,} tokens", columns, rows, f"Resident memory over {steps} steps.")


def small(folder: Path) -> Session:
    """A model of two narrow layers with a large vocabulary."""
    from tests import fakes

    config = fakes.tiny_config("qwen2")
    config.vocab_size = VOCABULARY
    type(fakes.tiny("qwen2"))(config).save_pretrained(folder)
    fakes.tiny_tokenizer("qwen2").save_pretrained(folder)
    return inspector.load(folder)


def subject(*, tiny: bool) -> Session:
    """The shape of Qwen2.5-0.5B, or a model that is there at once."""
    if not tiny:
        return inspector.load("preset:Qwen2.5-0.5B", random_weights=True, dtype="float32", device="cpu")
    from tests import fakes

    with TemporaryDirectory() as folder:
        return inspector.load(fakes.save_tiny("qwen2", folder))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=16)
    options.add_argument("--branch", type=int, default=200, help="the step to branch at")
    options.add_argument("--tiny", action="store_true", help="a model of two layers, to see that this runs")
    given = options.parse_args()
    torch.set_num_threads(1)
    put(memory(given.branch))
    session = subject(tiny=given.tiny)
    put(cost(session, given.rounds, given.steps))
    put(going_back(session, given.branch))


if __name__ == "__main__":
    main()
