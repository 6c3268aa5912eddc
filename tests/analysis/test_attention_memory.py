"""Looking at one head takes hardly more memory than its probabilities."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import torch, inspector
from tests.fakes import tiny
from inspector.analysis.attention import Attention
from inspector.analysis.layers import choose

def status(field):
    line = next(line for line in open("/proc/self/status") if line.startswith(field))
    return int(line.split()[1]) * 1024

ids = torch.arange({tokens})[None] % 200
mask = torch.ones_like(ids)
mask[0, :{padding}] = 0
model = tiny("qwen2", attention="sdpa")
with inspector.capture(model, values="*:attention.*", flow=False) as trace, torch.no_grad():
    model.model(ids, attention_mask=mask, use_cache=False)
attention = Attention(choose(trace, "1"))
attention.probabilities(0, range(4))
attention.mask
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
result = attention.probabilities(2)
peak = status("VmHWM") - before
states = sum(attention.kernel.state(name, 0, 0).nbytes for name in ("query", "key"))
print(peak / (result.nbytes + states), float(result[-1].sum()))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux to measure a peak")
@pytest.mark.slow
@pytest.mark.parametrize("padding", [0, 100])
def test_one_head_at_8192_tokens_takes_less_than_a_tenth_more_than_it_needs(padding: int) -> None:
    program = PROGRAM.format(tokens=8192, padding=padding)
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    ratio, total = map(float, run.stdout.split())
    assert total == pytest.approx(1)
    assert ratio < 1.1
