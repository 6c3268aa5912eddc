"""What a training leaves behind: a directory that loads by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def write(directory: Path, model: Any, tokenizer: Any, **files: Mapping[str, Any]) -> None:
    """Write the weights in bfloat16 with their configuration, the tokenizer, and `files`: settings, by the names of
    their JSON files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    copy = type(model)(model.config)
    copy.load_state_dict(model.state_dict())
    copy.to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    for name, settings in files.items():
        text = json.dumps(settings, indent=2, sort_keys=True)
        (directory / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
