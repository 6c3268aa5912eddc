"""What views read of a model and its processor beside the configuration, as JSON data (see `Trace.facts`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from torch import nn

from inspector.models.pairing import written_pairing

if TYPE_CHECKING:
    from inspector.models.processors import Processor

SUFFIX = "inv_freq"


def rotary_facts(model: nn.Module) -> list[dict[str, Any]]:
    """Path, layer type ("" where all layers share one), inverse frequencies and scaling of each rotary embedding, and
    how the code of the layers beside it pairs dimensions (see `written_pairing`).

    The frequencies are those at this moment: some variants change them with the length of the sequence. They are empty
    where the model has no values.
    """
    found = []
    for path, module in model.named_modules():
        for name, buffer in module.named_buffers(recurse=False):
            if not name.endswith(SUFFIX) or name.endswith(f"original_{SUFFIX}"):
                continue
            prefix = name.removesuffix(SUFFIX)
            scaling = getattr(module, f"{prefix}attention_scaling", 1.0)
            pairing, backwards = written_pairing(model.get_submodule(path.rpartition(".")[0]))
            found.append(
                {
                    "path": path,
                    "layer_type": prefix.rstrip("_"),
                    "inv_freq": [] if buffer.is_meta else buffer.float().flatten().tolist(),
                    "scaling": float(scaling) if isinstance(scaling, (int, float)) else 1.0,
                    "pairing": pairing,
                    "backwards": backwards,
                }
            )
    return found


def processor_facts(processor: Processor) -> dict[str, Any]:
    """The settings of image and video processor and the chat template, as far as there are any."""
    facts: dict[str, Any] = {}
    for name in ("image_processor", "video_processor"):
        part = getattr(processor, name, None)
        if part is not None and hasattr(part, "to_json_string"):
            facts[name] = json.loads(part.to_json_string())
    template = getattr(processor.tokenizer, "chat_template", None)
    if template:
        facts["chat_template"] = template
    return facts
