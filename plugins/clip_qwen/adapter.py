"""What was trained on top of CLIP and Qwen: LoRA matrices of the decoder, and the projector.

Nothing pickled is run: `.bin` files go through torch's weights-only loader.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inspector import ModelError

CONFIG, SETTINGS = "adapter_config.json", "multimodal_config.json"
LORA, PROJECTOR = ("adapter_model.safetensors", "adapter_model.bin"), ("other_params.safetensors", "other_params.bin")
PROJECTOR_NAMES = {
    "0.weight": "linear_1.weight",
    "0.bias": "linear_1.bias",
    "2.weight": "linear_2.weight",
    "2.bias": "linear_2.bias",
}
"""The projector's weights, as the original saves them and as the model calls them."""


def read_json(file: Path) -> dict[str, Any] | None:
    """A JSON object beside the adapter; None where there is none. Raises `ModelError` for a damaged one."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{file} should hold a JSON object and holds a {type(data).__name__}.")
    return data


def read_projector(directory: Path) -> dict[str, Tensor]:
    """The projector's weights by the names of `ClipQwenProjector`; empty where there are none. Raises `ModelError`."""
    file = _first(directory, PROJECTOR)
    if file is None:
        return {}
    found = {name.removeprefix("feature_proj."): weight for name, weight in _tensors(file).items()}
    if set(found) != set(PROJECTOR_NAMES):
        raise ModelError(
            f"{file} should hold the projector's {', '.join(PROJECTOR_NAMES)}; it holds {', '.join(sorted(found)[:6])}."
        )
    return {PROJECTOR_NAMES[name]: weight for name, weight in found.items()}


def check_projector(projector: Mapping[str, Tensor], directory: Path, vision: int, decoder: int) -> None:
    """Raise `ModelError` unless the projector leads from the vision tower's width to the decoder's."""
    if not projector:
        return
    first, second = projector["linear_1.weight"], projector["linear_2.weight"]
    if (first.shape[1], second.shape[0]) != (vision, decoder) or second.shape[1] != first.shape[0]:
        raise ModelError(
            f"The projector in {directory} goes from {first.shape[1]} over {first.shape[0]} to {second.shape[0]}; the "
            f"vision tower gives {vision} and the decoder takes {decoder}. It was trained with other models."
        )


class Lora:
    """LoRA matrices for some linear layers of a decoder."""

    def __init__(self, directory: Path) -> None:
        """Reads the files. Raises `ModelError` for what is missing, damaged or no LoRA."""
        self.directory = directory
        self.config = read_json(directory / CONFIG) or {}
        file = _first(directory, LORA)
        if self.config.get("peft_type") != "LORA":
            raise ModelError(f"{directory / CONFIG} describes {self.config.get('peft_type')!r}; a LORA was expected.")
        if file is None:
            raise ModelError(f"{directory} holds {CONFIG} and none of {', '.join(LORA)}.")
        self.weights = {name.removeprefix("base_model.model."): weight for name, weight in _tensors(file).items()}

    def check(self, decoder: nn.Module) -> None:
        """Raise `ModelError` unless every matrix belongs to a linear layer of `decoder`, and has its width."""
        linear = {name: layer for name, layer in decoder.named_modules() if isinstance(layer, nn.Linear)}
        targets = self.config.get("target_modules") or []
        targets = [targets] if isinstance(targets, str) else targets
        if not any(_is_target(name, targets) for name in linear):
            there = sorted({name.rpartition(".")[2] for name in linear})
            raise ModelError(
                f"The LoRA in {self.directory} changes {', '.join(targets) or 'nothing'}, which this decoder does not "
                f"have; its linear layers are called {', '.join(there)}."
            )
        for name, weight in self.weights.items():
            path, matrix = _split(name, self.directory)
            layer = linear.get(path)
            if layer is None:
                raise ModelError(f"The LoRA in {self.directory} changes {path}, which this decoder does not have.")
            width = layer.in_features if matrix == "A" else layer.out_features
            if weight.shape[1 if matrix == "A" else 0] != width:
                raise ModelError(
                    f"The LoRA in {self.directory} has {list(weight.shape)} for {path}, whose width is {width}: it was "
                    "trained with a decoder of another size."
                )

    def inject(self, decoder: nn.Module, strip: str = "") -> None:
        """Put the matrices beside the layers that they change, each a module of its own that can be watched.

        `strip` is what the layers' names have in front that those of `decoder` lack.
        """
        try:
            from peft import LoraConfig, inject_adapter_in_model
        except ImportError as error:
            raise ModelError("An adapter needs the package peft: pip install 'inspector[clip]'.") from error
        is_meta = next(decoder.parameters()).is_meta
        try:
            config = LoraConfig.from_pretrained(str(self.directory))
            config.inference_mode = True
            inject_adapter_in_model(config, decoder, low_cpu_mem_usage=is_meta)
        except (ValueError, TypeError) as error:
            raise ModelError(f"peft cannot apply the LoRA in {self.directory}: {error}") from error
        decoder.eval()
        if not is_meta:
            named = {
                re.sub(r"(lora_[AB])\.(default\.)?", r"\1.default.", name.removeprefix(strip)): weight
                for name, weight in self.weights.items()
            }
            left = decoder.load_state_dict(named, strict=False)
            if left.unexpected_keys:
                raise ModelError(
                    f"The LoRA in {self.directory} holds {left.unexpected_keys[0]}, which peft did not place."
                )


def merged_state(model: nn.Module) -> dict[str, Tensor] | None:
    """The weights with every LoRA added to the layer that it changes; None for a model without any."""
    layers = {name: layer for name, layer in model.named_modules() if hasattr(layer, "lora_A")}
    if not layers:
        return None
    state = {}
    for name, weight in model.state_dict().items():
        owner = next((path for path in layers if name.startswith(f"{path}.")), None)
        if owner is None:
            state[name] = weight
        elif name.startswith(f"{owner}.base_layer."):
            what = name.removeprefix(f"{owner}.base_layer.")
            change: Any = layers[owner]
            delta = change.get_delta_weight("default") if what == "weight" else 0
            state[f"{owner}.{what}"] = weight + delta
    return state


def _split(name: str, directory: Path) -> tuple[str, str]:
    """The layer that a LoRA matrix belongs to, and which of the two it is."""
    match = re.fullmatch(r"(.+)\.lora_([AB])(?:\.default)?\.weight", name)
    if match is None:
        raise ModelError(f"{directory} holds {name}, which is no LoRA matrix.")
    return match[1], match[2]


def _is_target(name: str, targets: Iterable[str]) -> bool:
    return any(name == target or name.endswith(f".{target}") or re.fullmatch(target, name) for target in targets)


def _first(directory: Path, names: Iterable[str]) -> Path | None:
    return next((directory / name for name in names if (directory / name).is_file()), None)


def _tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file. Raises `ModelError` for one that is damaged or holds anything else."""
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(file)
        data = torch.load(file, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # the loaders raise many kinds for damaged files, and for pickles of anything but tensors
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{file} cannot be read as tensors alone, and nothing of it was run: {said}") from error
    if not isinstance(data, dict) or not all(isinstance(weight, Tensor) for weight in data.values()):
        raise ModelError(f"{file} should hold named tensors and holds something else.")
    return data
