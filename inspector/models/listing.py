"""What can be opened here: presets, bundled checkpoints, the Hugging Face cache and directories.

For the launcher and `inspector models`: a few file names and small JSON files are read, and neither torch nor
transformers is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import InspectorError
from inspector.models import hub
from inspector.models.checkpoint import find_weights, ggufs
from inspector.models.presets import Preset
from inspector.models.sources import Kind, Source, demos, find, is_checkpoint, is_model


@dataclass(frozen=True, slots=True)
class Listed:
    """One model that can be opened. `bytes` is what its weights take on disk, None where it has none."""

    reference: str
    kind: Kind
    detail: str
    bytes: int | None


def list_models(presets: Mapping[str, Preset], directories: Iterable[Path] = ()) -> list[Listed]:
    """Bundled checkpoints, presets, the models of the Hugging Face cache, and checkpoints in or below `directories`."""
    return [_listed(kind, reference, presets) for kind, reference in _references(presets, directories)]


def _references(presets: Mapping[str, Preset], directories: Iterable[Path]) -> Iterator[tuple[Kind, str]]:
    yield from (("demo", f"demo:{name}") for name in demos())
    yield from (("preset", f"preset:{name}") for name in presets)
    yield from (("hub", name) for name in hub.cached_models())
    for directory in directories:
        yield from (("directory", str(path)) for path in _checkpoints(directory))


def _checkpoints(directory: Path) -> Iterator[Path]:
    """The directory itself, or the checkpoints and GGUF files in it and right below; none where it cannot be read."""
    try:
        below = sorted(filter(is_model, directory.iterdir()))
    except OSError:
        return
    for path in [directory] if is_checkpoint(directory) else [directory, *below]:
        yield from [path] if is_checkpoint(path) else (path / name for name in ggufs(path))


def _listed(kind: Kind, reference: str, presets: Mapping[str, Preset]) -> Listed:
    """One entry; a checkpoint that is damaged is listed too, with what is wrong with it."""
    try:
        source = find(reference, presets)
        size = _size(source)
        return Listed(reference, kind, _detail(source, size), size)
    except InspectorError as error:
        return Listed(reference, kind, str(error), None)


def _size(source: Source) -> int | None:
    weights = None if source.path is None else find_weights(source.path, source.gguf)
    return None if weights is None else weights.size()


def _detail(source: Source, size: int | None) -> str:
    """The type of the model, and whether there is anything to load."""
    config = source.json("config.json")
    kind = "GGUF" if config is None else str(config.get("model_type", "no model_type"))
    return kind if size is not None else f"{kind}, no weights"
