"""What a forward without weights takes: time and memory of a whole process, from its start to the finished trace.

python -m tests.benchmarks.shape_only [PRESET ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from inspector import Table
from tests.benchmarks.harness import put, table
from tests.hygiene.tree import ROOT

SIZE = (1280, 960)
ASKED = {"Qwen2.5-VL-72B": (10.0, 2 * 10**9)}
CHILD = """
import sys, time, inspector
marks = [time.perf_counter()]
session = inspector.load(sys.argv[1])
marks.append(time.perf_counter())
trace = session.trace("What is in the picture?", images=sys.argv[2])
marks.append(time.perf_counter())
print(len(trace.calls), len(trace.tokens[0]), *(end - start for start, end in zip(marks, marks[1:])))
"""


def process(preset: str, picture: Path) -> tuple[int, int, float, float, float, int]:
    """Calls, tokens; seconds of loading, of the forward, of the whole process; its largest resident set in bytes."""
    start = time.perf_counter()
    command = [sys.executable, "-c", CHILD, f"preset:{preset}", str(picture)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    calls, tokens, load, forward = child.stdout.read().split()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    unit = 1 if sys.platform == "darwin" else 1024
    return int(calls), int(tokens), float(load), float(forward), time.perf_counter() - start, usage.ru_maxrss * unit


def measure(presets: Sequence[str], size: tuple[int, int] = SIZE) -> Table:
    rows = []
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        Image.effect_noise(size, 64).convert("RGB").save(picture)
        for preset in presets:
            calls, tokens, load, forward, whole, peak = process(preset, picture)
            rows.append((preset, calls, tokens, load, forward, whole, *_asked(preset, peak)))
    columns = ("", "module calls", "tokens", "load seconds", "trace seconds", "process seconds")
    columns = (*columns, "asked seconds", "peak bytes", "asked bytes")
    return table(f"Shape-only, a picture of {size[0]}×{size[1]}", columns, rows)


def _asked(preset: str, peak: int) -> tuple[float | None, int, int | None]:
    seconds, size = ASKED.get(preset, (None, None))
    return seconds, peak, size


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("presets", nargs="*", default=["Qwen2.5-VL-7B", "Qwen2.5-VL-72B"])
    put(measure(options.parse_args().presets))


if __name__ == "__main__":
    main()
