"""From a model reference to the place that it names: a directory, a preset, a bundled checkpoint or a hub repository.

Finding is cheap and imports neither torch nor transformers, so that the launcher can list and check references before
either is loaded. Nothing here reads weights; `checkpoint` looks into their files, `loading` loads them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inspector.errors import ModelError
from inspector.models.presets import Preset

Kind = Literal["preset", "directory", "hub", "demo"]


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference names.

    `path` is the directory that holds the configuration; None for a preset, and for a hub repository that is not in the
    cache yet (`load_model` fetches it and hands families a source that has its path). `gguf` is the name of the GGUF file
    in `path` that holds everything: weights, configuration and vocabulary. `has_weights` says whether there is
    anything to load; without it the model opens shape-only.
    """

    reference: str
    kind: Kind
    path: Path | None = None
    preset: Preset | None = None
    has_weights: bool = False
    gguf: str | None = None
    trust_remote_code: bool = False

    def directory(self) -> Path | None:
        """The directory that transformers' `from_pretrained` reads; None for a preset."""
        return self.path

    def json(self, name: str) -> dict[str, Any] | None:
        """A JSON file beside the checkpoint, or what the preset says in its place; None where there is none.

        Raises `ModelError` for a file that cannot be read or is no JSON object.
        """
        if self.preset is not None:
            return _published(self.preset, name)
        if self.path is None or not (self.path / name).is_file():
            return None
        return read_json(self.path / name)


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises `ModelError`."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ModelError(f"{file} is no JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{file} should hold a JSON object and holds a {type(data).__name__}.")
    return data


def _published(preset: Preset, name: str) -> dict[str, Any] | None:
    files = {
        "config.json": preset.config,
        "generation_config.json": preset.generation,
        "preprocessor_config.json": preset.image_processor,
    }
    data = files.get(name)
    return dict(data) if data else None
