"""The view of the cache: kinds, lengths, bytes, growth and what a context needs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, QuantizedCache, StaticCache
from transformers.cache_utils import Fp8QuantizedLayer

import inspector
from inspector import Curve, InputError, Part, Table, Trace, TraceError
from inspector.analysis.cache import LayerCache, caches, context_limit
from inspector.recording.cache import bytes_in
from inspector.views.cache import VIEW
from tests.attention_cases import STEPS, WINDOW, forwards, model, pictures, recorded, text
from tests.fakes import TEXT, save_tiny
from tests.traces import small_trace

TOKEN = 2 * 2 * 8 * 4
"""Bytes of one token in one layer: keys and values, two heads, eight features, float32."""
LINEAR_AND_KEYS = "linear attention and dynamic"


def part(parts: Sequence[Part], title: str) -> Any:
    return next(item for item in parts if item.title.startswith(title))


def field(parts: Sequence[Part], name: str) -> Any:
    return next((row[1] for row in part(parts, "Cache").rows if row[0].startswith(name)), None)


def run(subject: Any, cache: Any = None, batch: bool = False) -> Trace:
    with inspector.capture(subject, values="*:attention.*") as trace, torch.no_grad():
        forwards(subject, text(batch), STEPS, cache)
    return trace


def test_a_dynamic_cache_step_by_step() -> None:
    trace = run(model("qwen2"), batch=True)
    parts = VIEW(trace)
    tokens = 17 + STEPS - 1
    assert field(parts, "class") == "DynamicCache"
    assert field(parts, "step") == STEPS - 1
    assert field(parts, "layers") == "2 dynamic"
    assert field(parts, "tokens") == f"{tokens}, in each of 2 rows"
    (first, second) = part(parts, "Layers of the cache").rows
    assert first[:5] == (0, "dynamic", tokens, tokens, None)
    assert first[5:8] == (f"f32[2,2,{tokens},8]", f"f32[2,2,{tokens},8]", "cpu")
    assert first[8:] == (2 * TOKEN * tokens, 2 * TOKEN, 2 * TOKEN * 4096)
    assert second[0] == 1
    curve = part(parts, "Growth")
    assert isinstance(curve, Curve)
    assert list(curve.series["tokens"]) == [17, 18, 19, 20]
    assert list(curve.series["bytes"]) == [2 * 2 * TOKEN * count for count in (17, 18, 19, 20)]
    assert field(parts, "a context of 4,096 tokens") == "2 MiB"
    assert field(parts, "grouped-query") == "2 query heads share one of the keys and values: 10 KiB in place of 20 KiB"
    assert {row[1] for row in part(parts, "Checks").rows} == {"agrees"}
    assert field(VIEW(trace, step="0"), "tokens") == "17, in each of 2 rows"


def test_sliding_layers_hold_a_window_and_no_more() -> None:
    parts = VIEW(run(model("gemma2_softcap", "eager")))
    sliding, full = part(parts, "Layers of the cache").rows
    assert sliding[:5] == (0, "sliding dynamic", 20, WINDOW - 1, WINDOW)
    assert full[:5] == (1, "dynamic", 20, 20, None)
    assert (sliding[8], sliding[9], sliding[10]) == (TOKEN * (WINDOW - 1), 0, TOKEN * (WINDOW - 1))
    assert (full[9], full[10]) == (TOKEN, TOKEN * 4096)
    assert field(parts, "layers") == "1 sliding dynamic, 1 dynamic"
    assert field(parts, "a further token") == "128 B; a full window in 1 of 2 layers"


def test_a_window_that_is_not_full_yet_grows() -> None:
    subject = model("gemma2_softcap", "eager")
    with inspector.capture(subject) as trace, torch.no_grad():
        forwards(subject, {name: ids[:, :3] for name, ids in text().items()}, 4)
    steps = [part(VIEW(trace, step=str(step)), "Layers of the cache").rows[0] for step in range(4)]
    assert [row[3] for row in steps] == [3, 4, 5, 5]
    assert [row[9] for row in steps] == [TOKEN, TOKEN, 0, 0]
    assert [row[8] for row in steps] == [TOKEN * 3, TOKEN * 4, TOKEN * 5, TOKEN * 5]
    assert {row[10] for row in steps} == {TOKEN * (WINDOW - 1)}


def test_a_static_cache_takes_its_room_from_the_start() -> None:
    subject = model("qwen2")
    parts = VIEW(run(subject, StaticCache(config=subject.config, max_cache_len=24)))
    row = part(parts, "Layers of the cache").rows[0]
    assert row[:5] == (0, "static", 20, 24, 24)
    assert (row[8], row[9]) == (TOKEN * 24, 0)
    assert row[10] == TOKEN * 4096  # it would have to be made for as many
    assert field(parts, "a further token") == "0 B; room from the start in 2 of 2 layers"
    assert field(parts, "a context of 4,096 tokens") == "1 MiB; this cache has room for 24"
    assert set(part(parts, "Growth").series["bytes"]) == {2 * TOKEN * 24}


def test_a_static_window_that_was_made_smaller_than_the_models() -> None:
    """A cache for four tokens: one for a full context holds whole windows."""
    subject = model("gemma3_sliding")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(torch.arange(5, 8)[None], past_key_values=StaticCache(config=subject.config, max_cache_len=4))
    row = part(VIEW(trace), "Layers of the cache").rows[0]
    assert row[:5] == (0, "sliding static", 3, 4, 4)
    assert (row[8], row[10]) == (TOKEN * 4, TOKEN * WINDOW)


def test_a_static_cache_of_sliding_layers_has_room_for_a_window() -> None:
    subject = model("gemma3_sliding")
    parts = VIEW(run(subject, StaticCache(config=subject.config, max_cache_len=24), batch=True))
    row = part(parts, "Layers of the cache").rows[0]
    assert row[:6] == (0, "sliding static", 20, WINDOW, WINDOW, f"f32[2,2,{WINDOW},8]")
    assert row[8] == row[10] == 2 * TOKEN * WINDOW
    assert field(parts, "a context") == "4.5 KiB"  # windows have room for any
    assert "keys in each full layer" not in {line[0] for line in part(parts, "Checks").rows}


LINEAR = {
    "qwen3_next": {
        **{"num_hidden_layers": 4, "head_dim": 8, "linear_num_value_heads": 4, "linear_num_key_heads": 2},
        **{"linear_key_head_dim": 8, "linear_value_head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2},
        **{"moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
    },
    "falcon_h1": {
        **{"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1},
        **{"mamba_chunk_size": 8, "pad_token_id": 0},
    },
}


@pytest.mark.parametrize(("name", "kind"), [("qwen3_next", "linear attention"), ("falcon_h1", LINEAR_AND_KEYS)])
def test_linear_attention_keeps_a_state(name: str, kind: str) -> None:
    """Convolution and recurrence: as many bytes as the layer really holds, whatever the length."""
    subject = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **{**TEXT, **LINEAR[name]})).eval()
    with inspector.capture(subject) as trace, torch.no_grad():
        cache = forwards(subject, text(), 2)
    parts = VIEW(trace)
    layer, row = cache.layers[0], part(parts, "Layers of the cache").rows[0]
    states = (layer.conv_states[0], layer.recurrent_states[0])
    nbytes = sum(state.nbytes for state in states)
    kept = TOKEN * row[3] if row[3] else 0
    assert (row[1], row[8]) == (kind, nbytes + kept)
    assert row[9] == " + ".join(
        f"{word} f32[{','.join(map(str, state.shape))}]"
        for word, state in zip(("conv", "recurrent"), states, strict=True)
    )
    assert row[11] == nbytes + (TOKEN * 4096 if row[3] else 0)
    assert part(parts, "Growth").series["bytes"][-1] == sum(line[8] for line in part(parts, "Layers").rows)
    if name == "qwen3_next":
        assert row[10] == 0
        assert field(parts, "a further token") == "128 B; a state of one size in 3 of 4 layers"
        assert field(parts, "grouped-query").endswith("2.25 KiB in place of 4.5 KiB")  # of keys and values alone


@pytest.mark.parametrize(("backend", "module", "axis"), [("hqq", "hqq", 1), ("quanto", "optimum.quanto", 0)])
def test_a_cache_quantised_to_four_bits(backend: str, module: str, axis: int) -> None:
    """The newest tokens are kept as they are, the others in four bits with their scales."""
    pytest.importorskip(module, reason=f"caches are quantised by {module}, which the project does not need")
    subject = model("qwen2")

    def left(tokens: int) -> tuple[LayerCache, Sequence[Part], int]:
        sizes = {"nbits": 4, "q_group_size": 8, "residual_length": 4, "axis_key": axis, "axis_value": axis}
        cache = QuantizedCache(backend=backend, config=subject.config, **sizes)
        with inspector.capture(subject) as trace, torch.no_grad():
            forwards(subject, {name: ids.repeat(1, 4)[:, : tokens - 3] for name, ids in text().items()}, 4, cache)
        held = vars(cache.layers[0])
        names = ("keys", "values", "_quantized_keys", "_quantized_values")
        return caches(trace)[-1].layers[0], VIEW(trace), bytes_in([held[name] for name in names])

    few, parts, real = left(20)
    row = part(parts, "Layers of the cache").rows[0]
    assert row[1:4] == ("quantised", 20, 3)
    assert row[8] == real < TOKEN * 20 / 2
    many, _, larger = left(60)
    assert (many.nbytes, few.bytes_at(60)) == (larger, larger)
    assert row[9] == (larger - real) / 40
    assert {line[1] for line in part(parts, "Checks").rows} == {"agrees"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="transformers offloads caches from an accelerator only")
@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_an_offloaded_cache(kind: str) -> None:
    subject = copy.deepcopy(model("qwen2")).cuda()
    room = {"max_cache_len": 24} if kind == "static" else {}
    cache = (StaticCache if kind == "static" else DynamicCache)(config=subject.config, offloading=True, **room)
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(text()["input_ids"].cuda(), past_key_values=cache)
    parts = VIEW(trace)
    assert field(parts, "class").endswith("Cache, offloading layers to the CPU")
    assert [row[1] for row in part(parts, "Layers of the cache").rows] == [kind, kind]
    assert "cpu" in {row[7] for row in part(parts, "Layers of the cache").rows}


def test_a_quantised_cache_counts_what_it_stores() -> None:
    cache = DynamicCache()
    cache.layers[:] = [Fp8QuantizedLayer() for _ in range(2)]
    parts = VIEW(run(model("qwen2"), cache))
    row = part(parts, "Layers of the cache").rows[0]
    assert row[1:3] == ("quantised", 20)
    assert row[8] == 2 * 2 * 20 * 8 + 8
    assert row[8] < TOKEN * 20 / 3


def test_keys_and_values_of_a_layer() -> None:
    subject = model("qwen2")
    with inspector.capture(subject, values=VIEW.needs(layer="1") if VIEW.needs else ()) as trace, torch.no_grad():
        cache = forwards(subject, text(True))
    parts = VIEW(trace, layer="1", row="1", head="1")
    keys, values = part(parts, "Keys of model.layers.1"), part(parts, "Values of model.layers.1")
    torch.testing.assert_close(torch.tensor(keys.values), cache.layers[1].keys[1, 1])
    torch.testing.assert_close(torch.tensor(values.values), cache.layers[1].values[1, 1])
    assert part(parts, "Keys and values of layer 1").rows[0][1] == "f32[2,2,20,8]"
    assert "n=160 x∈[" in part(parts, "Keys and values of layer 1").rows[1][2]
    with pytest.raises(TraceError, match=r"attention\.key was not kept"):
        VIEW(trace, layer="0")


def test_a_vision_language_model_and_a_saved_trace(tmp_path: Path) -> None:
    trace = recorded(model("qwen2_5_vl"), pictures("qwen2_5_vl"))
    parts = VIEW(trace)
    assert field(parts, "layers") == "2 dynamic"
    assert repr(VIEW(Trace.open(trace.save(tmp_path / "trace")), layer="1")) == repr(VIEW(trace, layer="1"))


def test_shape_only_knows_all_but_values(tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2", tmp_path), shape_only=True)
    parts = VIEW(session.trace("Hi", raw=True))
    assert field(parts, "tokens") == "2"
    assert part(parts, "Layers of the cache").rows[0][8] == 2 * TOKEN
    assert "no values" in part(VIEW(session.trace("Hi"), layer="0"), "Keys of layer 0").text


def test_no_cache_and_wrong_requests() -> None:
    subject = model("qwen2")
    with inspector.capture(subject) as trace, torch.no_grad():
        subject(**text(), use_cache=False)
    (only,) = VIEW(trace)
    assert isinstance(only, Table)
    assert "use_cache=False" in only.note
    for options, message in (
        ({"step": "9"}, "there are 4 steps"),
        ({"layer": "5"}, "There is no layer 5; this step has 0 to 1"),
        ({"layer": "0", "head": "2"}, "there are 2 heads of keys"),
    ):
        with pytest.raises(InputError, match=message):
            VIEW(run(subject), **options)


def test_a_trace_from_elsewhere_shows_what_its_tensors_tell() -> None:
    parts = VIEW(small_trace())
    row = part(parts, "Layers of the cache").rows[0]
    assert (row[1], row[3], row[5]) == (None, 12, "f32[1,2,12,8]")
    assert context_limit(small_trace()) is None
