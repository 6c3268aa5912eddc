"""Putting CLIP, projector, LoRA and Qwen together from what people have, and refusing what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import inspector
from inspector import InputError, ModelError, Session
from inspector.__main__ import main
from inspector_plugins.clip_qwen.decoder import QwenForCausalLM
from inspector_plugins.clip_qwen.model import ClipQwenForConditionalGeneration
from inspector_plugins.clip_qwen.presets import SIZES, text_config
from inspector_plugins.clip_qwen.processor import OriginalTestPictures
from inspector_plugins.clip_qwen.weights import llava_weight, qwen_weight, vision_weight
from tests.fakes import picture, save_tiny
from tests.plugins import golden


def load(parts: dict[str, Path], **options: Any) -> Session:
    return inspector.load(**{**parts, **options})


class TestPublishedWeights:
    """The published index of a decoder: its names follow from the architecture, its size stands in the index itself."""

    SIZES = {"7B": (259, 15_442_649_088), "1_8B": (195, 3_673_657_344)}  # noqa: RUF012 - names, and bytes in bfloat16

    @staticmethod
    def index(size: str) -> dict[str, tuple[int, ...]]:
        hidden, intermediate, layers, _, _ = SIZES[size]
        width, vocabulary = intermediate // 2, 151936
        names: dict[str, tuple[int, ...]] = {"transformer.wte.weight": (vocabulary, hidden)}
        for layer in range(layers):
            block = f"transformer.h.{layer}"
            names |= {
                f"{block}.ln_1.weight": (hidden,),
                f"{block}.attn.c_attn.weight": (3 * hidden, hidden),
                f"{block}.attn.c_attn.bias": (3 * hidden,),
                f"{block}.attn.c_proj.weight": (hidden, hidden),
                f"{block}.ln_2.weight": (hidden,),
                f"{block}.mlp.w1.weight": (width, hidden),
                f"{block}.mlp.w2.weight": (width, hidden),
                f"{block}.mlp.c_proj.weight": (hidden, width),
            }
        return {**names, "transformer.ln_f.weight": (hidden,), "lm_head.weight": (vocabulary, hidden)}

    @pytest.mark.parametrize("size", SIZES)
    def test_every_name_has_its_place_and_shape(self, size: str) -> None:
        index = self.index(size)
        count, total = self.SIZES[size]
        assert len(index) == count
        assert 2 * sum(torch.Size(shape).numel() for shape in index.values()) == total
        whole = inspector.load(f"preset:CLIP-ViT-L-14+Qwen-{size}").model
        places = {name: tuple(weight.shape) for name, weight in whole.state_dict().items()}
        assert {qwen_weight(name): shape for name, shape in index.items()} == {
            name: shape for name, shape in places.items() if name.startswith("language_model.")
        }

    @pytest.mark.parametrize(("preset", "parameters"), [("7B", 7_721_324_544), ("1_8B", 1_836_828_672)])
    def test_presets_have_the_published_sizes(self, preset: str, parameters: int) -> None:
        session = inspector.load(f"preset:CLIP-ViT-L-14+Qwen-{preset}")
        hidden = SIZES[preset][0]
        projector = 1024 * hidden + hidden + hidden * hidden + hidden
        assert session.info.parameters == parameters + 303_179_776 + projector
        assert session.model.generation_config.top_p == 0.8
        assert session.config.text_config.seq_length == text_config(preset)["seq_length"] == 8192

    def test_a_picture_before_7b_on_shapes(self) -> None:
        trace = inspector.load("preset:CLIP-ViT-L-14+Qwen-7B").trace("What is this?", images=picture(640, 480))
        tokens = len(trace.tokens[0])
        assert [token.kind for token in trace.tokens[0]].count("image") == 256
        assert trace.calls[0].outputs["output.logits"].shape == (1, tokens, 151936)
        assert trace.call("language_model.transformer.h.31").outputs["output"].shape == (1, tokens, 4096)
        assert len(trace.calls) == 628

    def test_clip_in_all_the_ways_it_is_published(self) -> None:
        assert vision_weight("vision_model.encoder.layers.0.mlp.fc1.bias", "v.") == "v.encoder.layers.0.mlp.fc1.bias"
        assert vision_weight("embeddings.class_embedding", "v.") == "v.embeddings.class_embedding"
        for other in ("text_model.embeddings.token_embedding.weight", "logit_scale", "visual_projection.weight"):
            assert vision_weight(other, "v.") is None
        assert vision_weight("vision_model.embeddings.position_ids", "v.") is None
        assert qwen_weight("transformer.rotary_emb.inv_freq") is None
        assert llava_weight("model.layers.0.mlp.up_proj.weight") == "model.language_model.layers.0.mlp.up_proj.weight"
        assert llava_weight("lm_head.weight") == "lm_head.weight"


class TestTogether:
    def test_all_of_it(self, parts: dict[str, Path]) -> None:
        session = load(parts)
        assert isinstance(session.model, ClipQwenForConditionalGeneration)
        assert (session.family.name, session.notices) == ("clip_qwen", [])
        trace = session.trace("hi", images=picture(90, 60))
        texts = [token.text for token in trace.tokens[0]]
        place = texts.index("<|extra_0|>")  # behind the question, as the original is asked
        assert texts[place - 2 : place + 18] == ["h", "i", *["<|extra_0|>"] * 16, "<|im_end|>", "\n"]
        assert [token.kind for token in trace.tokens[0]].count("image") == 16
        assert [token.position for token in trace.tokens[0]] == [(place,) for place in range(len(texts))]
        assert trace.calls[0].inputs["input.input_ids"].shape == (1, len(texts) - 15)
        assert trace.call("language_model.transformer.h.0").inputs["input.hidden_states"].shape == (1, len(texts), 64)
        roles = {module.path.removeprefix("language_model.transformer.h.0."): module.role for module in trace.modules}
        assert {roles[name] for name in ("mlp.w1", "mlp.w1.base_layer")} == {"up_proj"}
        assert (roles["mlp.w2"], roles["attn.c_attn"], roles["attn.c_proj"]) == ("gate_proj", "qkv_proj", "o_proj")
        assert (roles["mlp.c_proj"], roles["mlp.w2.lora_A.default"], roles["merge"]) == ("down_proj", "lora", "splice")

    def test_a_batch_with_pictures(self, parts: dict[str, Path]) -> None:
        trace = load(parts).trace(["hi", "good morning"], images=[picture(90, 60), picture(60, 90, seed=1)])
        assert [[token.kind for token in row].count("image") for row in trace.tokens] == [16, 16]
        with pytest.raises(InputError, match="3 images cannot be dealt out to 2 prompts"):
            load(parts).trace(["hi", "ho"], images=[picture()] * 3)
        with pytest.raises(InputError, match=r"has 2 placeholders for pictures \(<\|extra_0\|>\) and 1 images"):
            load(parts).trace("<|extra_0|> and <|extra_0|>", images=picture())

    def test_safetensors_and_a_sharded_decoder(self, parts: dict[str, Path], tmp_path: Path) -> None:
        adapter = golden.write_adapter(tmp_path / "adapter", safetensors=True)
        llm = tmp_path / "llm"
        llm.mkdir()
        weights = load_file(parts["reference"] / "model.safetensors")
        names, files = sorted(weights), ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
        for file, own in zip(files, (names[:9], names[9:]), strict=True):
            save_file({name: weights[name] for name in own}, llm / file)
        index = {name: files[name in names[9:]] for name in names}
        (llm / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
        for name in ("config.json", "qwen.tiktoken"):
            (llm / name).write_bytes((parts["reference"] / name).read_bytes())
        state = load({**parts, "reference": llm, "adapter": adapter}).model.state_dict()
        expected = load(parts).model.state_dict()
        assert state.keys() == expected.keys()
        assert all(torch.equal(weight, state[name]) for name, weight in expected.items())
        (llm / files[1]).unlink()
        with pytest.raises(inspector.ModelError, match=r"model-00002-of-00002\.safetensors is missing"):
            load({**parts, "reference": llm})

    def test_saved_whole_with_its_lora(self, parts: dict[str, Path], tmp_path: Path) -> None:
        session = load(parts)
        inputs = session.encode(inspector.Request(("hi",), (picture(90, 60),)))
        session.model.save_pretrained(tmp_path)
        session.processor.model_processor.save_pretrained(tmp_path)
        again = inspector.load(tmp_path)
        assert (again.notices, again.family.name) == ([], "clip_qwen")
        mine = again.encode(inspector.Request(("hi",), (picture(90, 60),)))
        assert all(torch.equal(tensor, mine.tensors[name]) for name, tensor in inputs.tensors.items())
        with torch.no_grad():
            found, expected = again.model(**mine.tensors).logits, session.model(**inputs.tensors).logits
        assert golden.largest(found, expected) <= golden.FLOAT
        assert not any("lora" in name for name, _ in again.model.named_modules())
        with pytest.raises(ModelError, match="has a vision tower; --vision is for a decoder alone"):
            inspector.load(tmp_path, vision=parts["vision"])
        twice = inspector.load(tmp_path, adapter=parts["adapter"], faithful=True)
        assert twice.model.faithful
        assert any("lora" in name for name, _ in twice.model.named_modules())

    def test_the_decoder_alone(self, parts: dict[str, Path]) -> None:
        session = inspector.load(parts["reference"])
        assert isinstance(session.model, QwenForCausalLM)
        assert session.trace("hi").tokens[0][0].id == golden.BYTE_START
        with pytest.raises(InputError, match="reads text alone"):
            session.trace("hi", images=picture())
        session = inspector.load(parts["reference"], adapter=parts["adapter"])
        assert any("projector of the adapter is left out" in notice for notice in session.notices)
        assert any("lora" in name for name, _ in session.model.named_modules())

    def test_a_generation_is_stepped_and_branched(self, parts: dict[str, Path]) -> None:
        """A branch goes on as if nothing had been cut, although the cache holds more than there are ids."""
        session = load(parts)
        inputs = session.encode(inspector.Request(("hi",), (picture(90, 60),))).tensors
        whole = session.model.generate(**inputs, max_new_tokens=6, do_sample=False)
        expected = whole[0, inputs["input_ids"].shape[1] :].tolist()
        generation = session.generate("hi", images=picture(90, 60), max_new_tokens=6, do_sample=False)
        generation.run()
        assert [step.chosen.id for step in generation.steps] == expected
        generation.back(3)
        generation.run()
        assert [step.chosen.id for step in generation.steps] == expected

    def test_a_chat_model_ends_where_a_turn_does(self, parts: dict[str, Path], tmp_path: Path) -> None:
        for file in parts["reference"].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        settings = {"chat_format": "chatml", "eos_token_id": 151643, "max_window_size": 6144, "top_k": 0}
        (tmp_path / "generation_config.json").write_text(json.dumps(settings))
        assert inspector.load(tmp_path).model.generation_config.eos_token_id == [151645, 151644, 151643]

    def test_a_missing_projector_is_told_loudly(self, parts: dict[str, Path]) -> None:
        session = inspector.load(parts["reference"], vision=parts["vision"])
        assert any("NO PROJECTOR was given, so it is RANDOM" in notice for notice in session.notices)

    @pytest.mark.parametrize("options", [{"shape_only": True}, {"random_weights": True}])
    def test_without_weights(self, parts: dict[str, Path], options: dict[str, bool]) -> None:
        session = load(parts, **options)
        trace = session.trace("hi", images=picture(90, 60))
        assert trace.calls[0].outputs["output.logits"].shape[1] == len(trace.tokens[0])
        assert any(call.role == "lora" for call in trace.calls)

    def test_code_of_the_checkpoint_is_not_run(self, parts: dict[str, Path], tmp_path: Path) -> None:
        for file in parts["reference"].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        config = json.loads((tmp_path / "config.json").read_text())
        config["auto_map"] = {
            "AutoConfig": "configuration_qwen.QWenConfig",
            "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel",
        }
        (tmp_path / "config.json").write_text(json.dumps(config))
        settings = {"auto_map": {"AutoTokenizer": ["tokenization_qwen.QWenTokenizer", None]}}
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
        for name in ("configuration_qwen", "modeling_qwen", "tokenization_qwen"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit('this code ran')")
        for trust in (False, True):
            session = load({**parts, "reference": tmp_path}, trust_remote_code=trust)
            assert type(session.model).__module__.startswith("inspector_plugins.")
            assert session.processor.tokenizer is not None

    def test_faithful_from_the_command_line(
        self, parts: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        session = load(parts, faithful=True)
        assert session.model.faithful
        assert isinstance(session.processor.image_processor, OriginalTestPictures)
        picture(90, 60).save(tmp_path / "picture.png")
        directories = ["--vision", str(parts["vision"]), "--adapter", str(parts["adapter"])]
        question = ["--prompt", "hi", "--image", str(tmp_path / "picture.png"), "--faithful"]
        assert main(["view", "quirks", str(parts["reference"]), *directories, *question]) == 0
        assert "The original's numbers were computed (--faithful)" in " ".join(capsys.readouterr().out.split())

    def test_clip_and_qwen2_as_a_llava(self, parts: dict[str, Path], tmp_path: Path) -> None:
        session = inspector.load(save_tiny("qwen2", tmp_path / "qwen2"), vision=parts["vision"])
        assert (type(session.model).__name__, session.family.name) == ("LlavaForConditionalGeneration", "clip_qwen")
        weights = load_file(tmp_path / "qwen2" / "model.safetensors")
        state = session.model.state_dict()
        assert all(torch.equal(weight, state[llava_weight(name) or ""]) for name, weight in weights.items())
        trace = session.trace("hi", images=picture(90, 60))
        assert [token.kind for token in trace.tokens[0]].count("image") == 16
        with pytest.raises(ModelError, match=r"no original that .* could be faithful to"):
            inspector.load(tmp_path / "qwen2", vision=parts["vision"], faithful=True)
