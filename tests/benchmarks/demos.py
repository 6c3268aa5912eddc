"""How soon a bundled demo model is there, and how fast it answers, on one CPU thread.

    python -m tests.benchmarks.demos [--rounds N]

transformers is imported before, and the first load, which imports the model's own module, does not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

import inspector
from inspector import Table
from inspector.models.inputs import make_request
from inspector.models.sources import DEMOS, demos
from tests.benchmarks.harness import put, table

QUESTION = "What is in the picture?"


def measure(rounds: int) -> Table:
    rows = []
    for name in demos():
        reference = f"demo:{name}"
        inspector.load(reference)
        rows.append((f"{reference}, load", *_spread(lambda at=reference: inspector.load(at), rounds), 0.3))  # type: ignore[misc]
        for dtype in ("bfloat16", "float32"):
            rows += _forwards(reference, dtype, rounds)
    return table("Demo models", ("", "median seconds", "fastest seconds", "asked seconds"), rows, f"{rounds} rounds.")


@torch.no_grad()
def _forwards(reference: str, dtype: str, rounds: int) -> list[tuple[Any, ...]]:
    """A prefill of the question, and one step after it."""
    session = inspector.load(reference, dtype=dtype, device="cpu")
    picture = DEMOS / "pictures" / "scene.png"
    inputs = session.to_device(session.encode(make_request(QUESTION, picture, None, None, False)).tensors)
    model = session.model
    whole = _spread(lambda: model(**inputs), rounds)
    steps = 20

    def answer(tokens: int) -> Callable[[], Any]:
        fixed = {"do_sample": False, "temperature": None, "min_new_tokens": tokens, "max_new_tokens": tokens}
        return lambda: model.generate(**inputs, **fixed)

    short, long = _spread(answer(1), rounds), _spread(answer(steps + 1), rounds)
    step = [(b - a) / steps for a, b in zip(short, long, strict=True)]
    return [
        (f"{reference} {dtype}, prefill", *whole, 0.02),
        (f"{reference} {dtype}, a step of generate", *step, 0.02),
    ]


def _spread(work: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Median and fastest."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]), min(seconds[1:])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15)
    torch.set_num_threads(1)
    put(measure(options.parse_args().rounds))


if __name__ == "__main__":
    main()
