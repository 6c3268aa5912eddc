"""Models that are right and unlike Llama: the view of positions claims no difference, and says what it cannot tell."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import inspector
from inspector import Trace
from inspector.parts import Table, Text
from inspector.views.positions import VIEW
from tests.fakes import IMAGE, TEXT, VIDEO
from tests.prompts import random_model
from tests.views.shown import checks, column, run, titled

SMALL = {**TEXT, "head_dim": 16, "pad_token_id": 0}
"""Text models that take few settings of their own."""


def model_of(kind: str, **settings: Any) -> Any:
    """A tiny model of transformers' real class with random weights."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    config = AutoConfig.for_model(kind, **settings)
    auto = AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return auto.from_config(config).eval()


def ids(count: int = 11) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.arange(5, 5 + count)[None]}


def traced(kind: str, given: dict[str, Any] | None = None, **settings: Any) -> Trace:
    return run(model_of(kind, **{**SMALL, **settings}), given or ids(), values="*")


def differing(trace: Trace, **asked: str) -> dict[str, str]:
    """The evidence of every check that claims a difference."""
    return {name: text for name, (result, text) in checks(VIEW, trace, **asked).items() if result == "≠ differs"}


LAYERS: dict[str, dict[str, Any]] = {
    "cohere": {},
    "cohere2": {"num_hidden_layers": 4, "sliding_window": 6},
    "ernie4_5": {},
    "exaone4": {"num_hidden_layers": 4, "sliding_window": 6, "sliding_window_pattern": 4},
    "glm": {},
    "glm4": {},
    "gpt_neox": {},
    "helium": {"head_dim": 8},
    "hunyuan_v1_dense": {},
    "nanochat": {"head_dim": 8},
    "phi": {"head_dim": 8},
    "smollm3": {"num_hidden_layers": 4},
    "stablelm": {"head_dim": 8},
}


@pytest.mark.parametrize("kind", LAYERS)
def test_no_difference_is_claimed_where_there_is_none(kind: str) -> None:
    trace = traced(kind, None, **LAYERS[kind])
    for layer in range(trace.config["num_hidden_layers"]):
        asked = {"token": "7", "layer": str(layer)}
        assert differing(trace, **asked) == {}
        tables = [part for part in VIEW(trace, **asked) if "before and after" in part.title]
        assert len(tables) == 2
        assert all(isinstance(table, Table) and set(column(table, "mark")) == {None} for table in tables)


@pytest.mark.parametrize("kind", ["cohere", "glm", "ernie4_5"])
def test_neighbours_in_every_table(kind: str) -> None:
    """cos and sin of Cohere are laid out for neighbours, those of GLM and Ernie for halves."""
    trace = traced(kind)
    parts = VIEW(trace, token="7", layer="0")
    assert column(titled(parts, "Pairs"), "dimensions")[:2] == ["0, 1", "2, 3"]
    assert column(titled(parts, "Query of token"), "dimensions")[:2] == ["0, 1", "2, 3"]
    assert checks(VIEW, trace)["cos and sin"][0] == "agrees"


def test_a_projection_that_also_holds_a_gate() -> None:
    """Qwen3-Next's norms tell what the queries are, as its projection does not."""
    from tests.attention_cases import model, text

    trace = run(model("qwen3_next"), text(), values="*")
    assert checks(VIEW, trace, token="7", layer="3")["rotation of the query"][0] == "agrees"


def test_as_many_tokens_as_heads() -> None:
    """The norm's output [1, 4, 4, 16] does not tell by its shape which axis is which."""
    for count in (3, 4, 5):
        trace = traced("qwen3", ids(count))
        for head in range(4):
            asked = {"token": "2", "layer": "0", "head": str(head)}
            assert checks(VIEW, trace, **asked)["rotation of the query"][0] == "agrees"
            assert differing(trace, **asked) == {}


@pytest.mark.parametrize(("kind", "layer"), [("llama4_text", "3"), ("smollm3", "3")])
def test_a_layer_without_rotation(kind: str, layer: str) -> None:
    trace = run(random_model(kind), ids(), values="*") if kind == "llama4_text" else traced(kind, num_hidden_layers=4)
    result, evidence = checks(VIEW, trace, token="7", layer=layer)["rotation of the key"]
    assert (result, evidence) == ("agrees", "This layer does not rotate (NoPE), as its configuration asks for.")
    table = titled(VIEW(trace, token="7", layer=layer), "Key of token")
    assert isinstance(table, Table)
    assert table.note.endswith("This layer does not rotate.")
    assert differing(trace) == {}


def test_a_layer_without_rotation_that_the_configuration_says_nothing_of() -> None:
    trace = traced("cohere2", num_hidden_layers=4, sliding_window=6)
    result, evidence = checks(VIEW, trace, token="7", layer="3")["rotation of the key"]
    assert result == "cannot be told"
    assert evidence == "This layer does not rotate (NoPE); its configuration does not say whether it should."


def test_rotation_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that should turn and does not: the configuration says so."""
    import transformers.models.smollm3.modeling_smollm3 as smollm3

    monkeypatch.setattr(smollm3, "apply_rotary_pos_emb", lambda q, k, *_: (q, k))
    result, evidence = checks(VIEW, traced("smollm3"), token="7", layer="0")["rotation of the key"]
    assert (result, evidence) == (
        "≠ differs",
        "This layer does not rotate (NoPE), and its configuration asks for rotation.",
    )


def test_turning_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """NanoChat means to turn backwards, Llama does not."""
    import transformers.models.llama.modeling_llama as llama

    right = checks(VIEW, traced("nanochat", head_dim=8), token="7", layer="0")["rotation of the key"]
    assert (right[0], right[1].partition(";")[0]) == (
        "agrees",
        "Dimension i turns with i + d/2 (rotate_half), backwards",
    )
    straight = llama.rotate_half
    monkeypatch.setattr(llama, "rotate_half", lambda x: -straight(x))
    result, evidence = checks(VIEW, traced("llama"), token="7", layer="0")["rotation of the key"]
    assert result == "≠ differs"
    assert evidence.endswith("backwards, and by the code of its class dimension i turns with i + d/2 (rotate_half).")


def test_a_norm_behind_the_rotation() -> None:
    """With weights of its own, so that it changes directions."""
    model = model_of("hunyuan_v1_dense", **SMALL)
    for layer in model.model.layers:
        torch.nn.init.uniform_(layer.self_attn.query_layernorm.weight, 0.5, 2.0)
    asked = {"token": "7", "layer": "1"}
    assert VIEW.needs is not None
    trace = run(model, ids(), values=[*VIEW.values, *VIEW.needs(**asked)])
    assert checks(VIEW, trace, **asked)["rotation of the query"][0] == "agrees"
    table = titled(VIEW(trace, **asked), "Query of token")
    assert isinstance(table, Table)
    assert "Before: model.layers.1.self_attn.q_proj." in table.note
    assert "After: before model.layers.1.self_attn.query_layernorm, a norm behind the rotation." in table.note


@pytest.mark.parametrize(
    ("kind", "settings", "name"),
    [
        ("phi3", {"head_dim": 8}, "qkv_proj"),
        ("gpt_neox", {}, "query_key_value"),
        ("gpt_neox", {"num_attention_heads": 2}, "query_key_value"),
    ],
)
def test_queries_and_keys_of_one_projection(kind: str, settings: dict[str, Any], name: str) -> None:
    model = model_of(kind, **{**SMALL, **settings})
    asked = {"token": "7", "layer": "1", "head": "1"}
    assert VIEW.needs is not None
    trace = run(model, ids(), values=[*VIEW.values, *VIEW.needs(**asked)])
    for side in ("Query", "Key"):
        table = titled(VIEW(trace, **asked), f"{side} of token")
        assert isinstance(table, Table)
        assert name in table.note
        assert set(column(table, "mark")) == {None}


def test_why_there_is_no_query_before() -> None:
    ranks = {"qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "kv_lora_rank": 16, "q_lora_rank": 16}
    sizes = {
        "num_key_value_heads": 4,
        "n_group": 1,
        "topk_group": 1,
        "n_routed_experts": 4,
        "moe_intermediate_size": 16,
    }
    trace = run(model_of("deepseek_v3", **{**TEXT, **ranks, **sizes}), ids(), values="*")
    text = titled(VIEW(trace, token="7", layer="0"), "Query before")
    assert isinstance(text, Text)
    assert text.text.startswith("This layer has no q_proj: its own are q_a_proj, q_b_proj")
    assert differing(trace) == {}


def test_layers_with_wider_heads() -> None:
    """Gemma 4's full layers have heads of their own width."""
    small: dict[str, Any] = {
        "num_kv_shared_layers": 0,
        "vocab_size_per_layer_input": 320,
        "hidden_size_per_layer_input": 8,
    }
    kinds: dict[str, Any] = {"layer_types": ["sliding_attention", "full_attention"], "global_head_dim": 32}
    trace = traced("gemma4_text", None, **small, **kinds)
    for layer in ("0", "1"):
        assert differing(trace, token="2", layer=layer) == {}
        assert checks(VIEW, trace, token="2", layer=layer)["rotation of the query"][0] == "agrees"
    assert checks(VIEW, trace)["inverse frequencies of full_attention"][0] == "agrees"
    assert len(column(titled(VIEW(trace), "Pairs of full_attention"), "pair")) == 16


DYNAMIC = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
LONG = {
    **{"rope_type": "longrope", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16},
    **{"short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [1.0, 2.0, 3.0, 4.0]},
}


@pytest.mark.parametrize(("parameters", "context"), [(DYNAMIC, 20), (LONG, 64)])
def test_frequencies_that_change_while_decoding(parameters: dict[str, Any], context: int) -> None:
    """Each step is compared with what holds at its own length."""
    model = model_of("llama", **{**TEXT, "max_position_embeddings": context, "rope_parameters": parameters})
    with inspector.capture(model, values="*") as trace:
        model.generate(**ids(15), max_new_tokens=9, min_new_tokens=9, do_sample=False, eos_token_id=None)
    bases = []
    for step in range(9):
        found = checks(VIEW, trace, step=str(step))
        assert {name: result for name, (result, _) in found.items() if result != "agrees"} == {}
        assert {"cos and sin", "rotation"} <= set(found)
        bases.append(column(titled(VIEW(trace, step=str(step)), "Rotary"), "effective base")[0])
    assert bases[0] < bases[-1]
    assert bases == sorted(bases)


GLM = {
    "text_config": {
        **{**TEXT, "num_attention_heads": 2, "num_key_value_heads": 1, "pad_token_id": 0},
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
    },
    "vision_config": {
        **{"depth": 1, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48, "out_hidden_size": 32},
        **{"patch_size": 14, "image_size": 56},
    },
    **{"image_token_id": IMAGE, "video_token_id": VIDEO, "image_start_token_id": 259, "image_end_token_id": 260},
    **{"video_start_token_id": 263, "video_end_token_id": 264},
}


def test_a_video_whose_placeholders_are_those_of_pictures() -> None:
    """Types alone tell them from pictures in GLM-4V, whose pairs are neighbours dealt out to three axes."""
    frame = [259, *[IMAGE] * 8, 260, 9]
    row = [5, 6, 7, 263, *frame * 3, 264, 8]
    types = torch.tensor([[2 if token == IMAGE else 0 for token in row]])
    given = {
        **{"input_ids": torch.tensor([row]), "attention_mask": torch.ones(1, len(row), dtype=torch.long)},
        **{"mm_token_type_ids": types, "video_grid_thw": torch.tensor([[3, 4, 8]])},
        "pixel_values_videos": torch.randn(96, 3 * 2 * 14 * 14, generator=torch.Generator().manual_seed(0)),
    }
    trace = run(model_of("glm4v", **GLM), given, values="*")
    found = checks(VIEW, trace, token="10", layer="0")
    assert {name: text for name, (result, text) in found.items() if result != "agrees"} == {}
    assert {"cos and sin", "rotation of the query"} <= set(found)
    assert column(titled(VIEW(trace), "Runs"), "run")[1] == "video 1"
    assert "dimension 2i turns with 2i + 1" in titled(VIEW(trace), "Dimensions of a head").note.lower()  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["qwen2", "gemma3_text", "llama4_text", "gpt_neox"])
def test_a_static_cache_holds_the_new_keys_where_they_were_written(kind: str) -> None:
    """Behind them it has room for those to come, which nothing has turned yet."""
    shown = {}
    for cache in ("static", "dynamic"):
        model = random_model(kind) if kind != "gpt_neox" else model_of(kind, **SMALL)
        with inspector.capture(model, values="*") as trace:
            model.generate(**ids(4), max_new_tokens=4, do_sample=False, cache_implementation=cache, eos_token_id=None)
        for step in ("0", "2"):
            assert differing(trace, step=step) == {}
        table = titled(VIEW(trace, token="3", layer="0", step="0"), "Key of token")
        shown[cache] = [tuple(row) for row in table.rows]
    assert shown["static"] == shown["dynamic"]


def test_a_layer_alone_is_shown_for_the_last_token() -> None:
    trace = traced("llama")
    assert titled(VIEW(trace, layer="1"), "Query of token").title.startswith("Query of token 10, head 0")
