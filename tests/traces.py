"""Hand-built traces: small ones with everything awkward in them, and large ones. No model runs here.

`small_trace` is one prefill of a tiny vision-language model, `failing_trace` the same up to a failure, `steps_trace` a
prefill and decoding steps, `big_trace` as many calls as are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from inspector.trace import Failure, Media, ModelInfo, Module, TensorInfo, Token, Trace, Value
from tests.building import Builder, info

HIDDEN = 16
LAYERS = 3
TOKENS = (
    (151644, "<|im_start|>", "special", (0, 0, 0)),
    (872, "user", "text", (1, 1, 1)),
    (198, "\n", "text", (2, 2, 2)),
    (151655, "<|image_pad|>", "image", (3, 3, 3)),
    (151655, "<|image_pad|>", "image", (3, 3, 4)),
    (151655, "<|image_pad|>", "image", (3, 4, 3)),
    (151655, "<|image_pad|>", "image", (3, 4, 4)),
    (108386, "你好", "text", (5, 5, 5)),
    (9786, "世界🌍", "text", (6, 6, 6)),
    (58, "[bold]", "text", (7, 7, 7)),
    (13, " caf\u00e9\t\x1b[31m", "text", (8, 8, 8)),
    (151645, "<|im_end|>", "special", (9, 9, 9)),
)


def model_info(**changes: object) -> ModelInfo:
    model = ModelInfo(
        "demo:tiny-vl", "qwen2_5_vl", "TinyVLForConditionalGeneration", 21_456, "float32", "cpu", "sdpa", False
    )
    return replace(model, **changes)  # type: ignore[arg-type]


def modules() -> list[Module]:
    """Every module of the tiny model, `unused_head` included, which no forward calls."""
    found = [
        Module("", "TinyVLForConditionalGeneration", None, 21_456, 85_824),
        Module("visual", "TinyVision", "vision_tower", 4_096, 16_384),
        Module("visual.patch_embed", "PatchEmbed", "patch_embed", 1_024, 4_096),
        Module("visual.merger", "Merger", "merger", 3_072, 12_288),
        Module("language_model", "TinyText", "decoder", 9_360, 37_440),
        Module("language_model.embed_tokens", "Embedding", "token_embedding", 4_096, 16_384),
        Module("language_model.layers", "ModuleList", None, 5_232, 20_928),
    ]
    for layer in range(LAYERS):
        path = f"language_model.layers.{layer}"
        found += [
            Module(path, "DecoderLayer", "decoder_layer", 1_744, 6_976),
            Module(f"{path}.norm", "RMSNorm", "norm", 16, 64),
            Module(f"{path}.self_attn", "Attention", "attention", 1_024, 4_096),
            Module(f"{path}.mlp", "MLP", "mlp", 704, 2_816),
        ]
    found += [
        Module("language_model.norm", "RMSNorm", "norm", 32, 128),
        Module("lm_head", "Linear", "lm_head", 4_096, 16_384),
        Module("unused_head", "Linear", None, 3_904, 15_616),
    ]
    return found


def tokens() -> list[list[Token]]:
    return [[Token(index, *fields) for index, fields in enumerate(TOKENS)]]  # type: ignore[arg-type]


def small_trace(*, values: bool = True) -> Trace:
    """A prefill with a picture: control characters, wide characters and markup in tokens, a `None` output, nested
    ports, a cache, nan and inf, and (with `values`) kept tensors."""
    built = Builder()
    prefill(built)
    if values:
        keep_values(built)
    return trace_of(built, notices=["The tokenizer is a stand-in: it splits text into bytes."])


def failing_trace() -> Trace:
    """The small one, up to a matrix product in the second layer's MLP whose shapes do not fit."""
    whole = small_trace(values=False)
    at = whole.call("language_model.layers.1.mlp").index
    message = "mat1 and mat2 shapes cannot be multiplied (12x16 and 24x44)"
    failed = {at, *ancestors(whole, at)}
    error = f"RuntimeError: {message}"
    calls = [replace(call, error=error, outputs={}) if call.index in failed else call for call in whole.calls[: at + 1]]
    failure = Failure(
        path="language_model.layers.1.mlp",
        class_name="MLP",
        error="RuntimeError",
        message=message,
        file="/site-packages/transformers/models/tiny/modeling_tiny.py",
        line=88,
        code="return self.down(self.act(self.gate(x)) * self.up(x))",
        call=at,
        ports={"input.x": info(1, len(TOKENS), HIDDEN), "local.gate": info(1, len(TOKENS), 24)},
    )
    return Trace(whole.model, modules=modules(), calls=calls, tokens=tokens(), texts=whole.texts, failure=failure)


def steps_trace(steps: int = 3) -> Trace:
    """A prefill and `steps - 1` forwards of one token each."""
    built = Builder()
    for step in range(steps):
        prefill(built, step=step, length=len(TOKENS) if step == 0 else 1)
    return trace_of(built)


def big_trace(count: int) -> Trace:
    """`count` calls: forwards of 24 layers with 12 modules each, one under the other."""
    built = Builder()
    hidden = {"output": info(1, 1, 896, dtype="bfloat16")}
    given = {"input.hidden_states": info(1, 1, 896, dtype="bfloat16"), "input.use_cache": True}
    step = 0
    while len(built.calls) < count:
        with built.inside(built.add("", "Qwen2ForCausalLM", step=step, inputs=given, outputs=hidden)):
            for layer in range(24):
                path = f"model.layers.{layer}"
                outer = built.add(path, "Qwen2DecoderLayer", "decoder_layer", step=step, inputs=given, outputs=hidden)
                with built.inside(outer):
                    for part in range(12):
                        built.add(f"{path}.part_{part}", "Linear", step=step, inputs=given, outputs=hidden)
        step += 1
    return Trace(model_info(reference="big", class_name="Qwen2ForCausalLM"), calls=built.calls[:count], tokens=tokens())


def prefill(built: Builder, step: int = 0, length: int = len(TOKENS)) -> None:
    """The calls of one forward."""
    ids = info(1, length, dtype="int64")
    given: dict[str, Value] = {"input.input_ids": ids, "input.use_cache": True, "input.labels": None}
    if step:
        given["input.past_key_values"] = f"DynamicCache(length={len(TOKENS) + step - 1})"
    made: dict[str, Value] = {
        "output.logits": info(1, length, 64),
        "output.past_key_values.layers[0].keys": info(1, 2, len(TOKENS) + step, 8),
        "output.past_key_values.layers[0].values": info(1, 2, len(TOKENS) + step, 8),
        "output.loss": None,
    }
    name = "TinyVLForConditionalGeneration"
    with built.inside(built.add("", name, step=step, inputs=given, outputs=made)):
        if step == 0:
            vision(built)
        decoder(built, ids, step, length)


def vision(built: Builder) -> None:
    grid = info(1, 3, dtype="int64")
    given = {"input.pixel_values": info(16, 48), "input.grid_thw": grid}
    with built.inside(
        built.add("visual", "TinyVision", "vision_tower", inputs=given, outputs={"output": info(4, HIDDEN)})
    ):
        pixels = {"input.pixel_values": info(16, 48)}
        patches = built.add(
            "visual.patch_embed", "PatchEmbed", "patch_embed", inputs=pixels, outputs={"output": info(16, 8)}
        )
        merged = {"output": info(4, HIDDEN)}
        built.add("visual.merger", "Merger", "merger", inputs={"input.x": built.made(patches)}, outputs=merged)


def decoder(built: Builder, ids: TensorInfo, step: int, length: int) -> None:
    hidden = {"output": info(1, length, HIDDEN)}
    outer = built.add(
        "language_model", "TinyText", "decoder", step=step, inputs={"input.input_ids": ids}, outputs=hidden
    )
    with built.inside(outer):
        path = "language_model.embed_tokens"
        given = {"input.input": ids}
        last = built.add(path, "Embedding", "token_embedding", step=step, inputs=given, outputs=hidden)
        for layer in range(LAYERS):
            last = decoder_layer(built, layer, last, step, hidden)
        given = {"input.hidden_states": built.made(last)}
        last = built.add("language_model.norm", "RMSNorm", "norm", step=step, inputs=given, outputs=hidden)
    given = {"input.input": built.made(last)}
    built.add("lm_head", "Linear", "lm_head", step=step, inputs=given, outputs={"output": info(1, length, 64)})


def decoder_layer(built: Builder, layer: int, last: int, step: int, hidden: Mapping[str, Value]) -> int:
    path = f"language_model.layers.{layer}"
    given = {"input.hidden_states": built.made(last)}
    outer = built.add(path, "DecoderLayer", "decoder_layer", step=step, inputs=given, outputs=hidden)
    with built.inside(outer):
        norm = built.add(f"{path}.norm", "RMSNorm", "norm", step=step, inputs=given, outputs=hidden)
        entered = {"input.hidden_states": built.made(norm), "input.attention_mask": None}
        both = {"output[0]": hidden["output"], "output[1]": None}
        attention = built.add(f"{path}.self_attn", "Attention", "attention", step=step, inputs=entered, outputs=both)
        entered = {"input.x": built.made(attention, "output[0]")}
        built.add(f"{path}.mlp", "MLP", "mlp", step=step, inputs=entered, outputs=hidden)
    return outer


def keep_values(built: Builder) -> None:
    """Keep the ids, the grid, and three outputs: an ordinary one, one with nan and infinities, one of nan alone."""
    import torch

    generator = torch.Generator().manual_seed(0)
    length = len(TOKENS)
    by_path = {call.path: call.index for call in built.calls}
    hidden = torch.randn(1, length, HIDDEN, generator=generator)
    bad = torch.randn(1, length, HIDDEN, generator=generator)
    bad[0, 3, 5], bad[0, 4, 6], bad[0, 5, 7] = float("nan"), float("inf"), float("-inf")
    built.keep(by_path[""], "input.input_ids", torch.tensor([[fields[0] for fields in TOKENS]]))
    built.keep(by_path["visual"], "input.grid_thw", torch.tensor([[1, 4, 4]]))
    built.keep(by_path["language_model.layers.0"], "output", hidden)
    built.keep(by_path["language_model.layers.1.mlp"], "output", bad)
    built.keep(by_path["language_model.layers.2.mlp"], "output", torch.full((1, length, HIDDEN), float("nan")))


def ancestors(trace: Trace, index: int) -> list[int]:
    found = []
    parent = trace.calls[index].parent
    while parent is not None:
        found.append(parent)
        parent = trace.calls[parent].parent
    return found


def trace_of(built: Builder, notices: list[str] | None = None) -> Trace:
    text = "".join(fields[1] for fields in TOKENS)
    media = [Media("image", "bus.jpg", 640, 480)]
    return Trace(
        model_info(),
        modules=modules(),
        calls=built.calls,
        tokens=tokens(),
        texts=[text],
        media=media,
        notices=notices or [],
        values=built.values,
    )
