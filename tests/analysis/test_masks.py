"""The masks of real runs are told exactly, from a tensor, a rule or what the kernel was told in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from inspector.analysis.kernels import kernels
from inspector.analysis.layers import choose
from inspector.analysis.mask_makers import left_out, maker, makers
from inspector.analysis.masks import applied
from inspector.analysis.windows import windows as window_list
from tests.attention_cases import GRIDS, STEPS, WINDOW, dense, forwards, model, pictures, recorded, text


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "gemma3_sliding", "llama4_chunks", "qwen2_5_vl", "gemma3"])
@pytest.mark.parametrize("batch", [False, True])
def test_masks_of_real_runs_are_those_of_eager_attention(
    name: str, batch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eager attention always gets a tensor; what sdpa does with less must come to the same."""
    given = pictures(name, "one", batch) if name in ("qwen2_5_vl", "gemma3") else text(batch)
    by_sdpa, by_eager = (recorded(model(name, attention), given) for attention in ("sdpa", "eager"))
    monkeypatch.setattr("inspector.recording.probes.SMALL", 0)
    bare = recorded(model(name, "eager"), given, values=())
    compared = 0
    for step in range(STEPS):
        for one, other, rule in zip(kernels(by_sdpa, step), kernels(by_eager, step), kernels(bare, step), strict=True):
            for row in range(one.batch):
                expected = dense(applied(other, row).spans)
                assert (dense(applied(one, row).spans) == expected).all()
                assert (dense(applied(rule, row).spans) == expected).all()
                assert applied(rule, row).source in ("rule", "kernel")
                compared += 1
    assert compared >= STEPS


def test_why_a_mask_is_as_it_is() -> None:
    plain, padded = recorded(model("qwen2"), text()), recorded(model("qwen2"), text(True))
    prefill, decode = (applied(choose(plain, "0", step)) for step in (0, 1))
    assert prefill.pattern == "causal"
    assert "told is_causal" in prefill.reason
    assert "left out what comes to the same: create_causal_mask (causal, without padding)" in prefill.reason
    assert decode.pattern == "every key"
    assert "one query" in decode.reason
    kernel = choose(padded, "0")
    assert applied(kernel).pattern == "causal, 5 hidden keys"
    assert applied(kernel).rule == "causal, padding hidden"
    assert applied(kernel, 1).rule == "causal, without padding"
    assert "bool[2,1,17,17], made by create_causal_mask" in applied(kernel).reason
    made = maker(kernel)
    assert made is not None
    assert (made.maker, made.skipped, left_out(kernel)) == ("create_causal_mask", False, [])


def test_kinds_of_layers_differ() -> None:
    trace = recorded(model("gemma3_sliding"), text(), values=())
    call = trace.call("model")
    assert [made.rule for made in makers(trace, call)] == [
        "all(causal, padding)",
        f"all(window({WINDOW}), causal, padding)",
    ]
    assert [made.skipped for made in makers(trace, call)] == [True, False]
    chunks = recorded(model("llama4_chunks"), text(), values=())
    assert {applied(kernel).pattern for kernel in kernels(chunks)} == {"causal", f"causal, within 3 blocks of {WINDOW}"}


def test_vision_windows_are_blocks() -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl", "three"), values=())
    windows, frames = (applied(choose(trace, f"vision.{block}")) for block in (0, 1))
    assert windows.spans is not None
    assert frames.pattern == "within 3 blocks"
    assert sorted({int(count) for count in frames.spans.counts()}) == [12, 24, 80]  # type: ignore[union-attr]
    assert int(windows.spans.counts().max()) == 16
    assert f"calls its kernel {len(window_list(GRIDS['three'], 2, 2))} times" in windows.reason


def test_shape_only_knows_every_mask(tmp_path: Path) -> None:
    import inspector
    from tests.fakes import picture, save_tiny

    session = inspector.load(save_tiny("qwen2_5_vl", tmp_path), shape_only=True)
    trace = session.trace(["Hi", "Good morning"], images=[picture(84, 56), picture(60, 100)])
    padded = [applied(kernel, row) for kernel in kernels(trace) for row in range(kernel.batch)]
    assert all(found.spans is not None for found in padded)
    assert "causal, " in applied(choose(trace, "0"), 0).pattern + applied(choose(trace, "0"), 1).pattern


def test_a_static_cache_hides_the_places_that_are_still_empty() -> None:
    from transformers import StaticCache

    import inspector

    subject = model("qwen2")
    with inspector.capture(subject, values="*:attention.*") as trace, torch.no_grad():
        forwards(subject, text(), cache=StaticCache(config=subject.config, max_cache_len=24))
    counts = [int(applied(choose(trace, "0", step)).spans.counts()[-1]) for step in range(STEPS)]  # type: ignore[union-attr]
    assert counts == [17, 18, 19, 20]
