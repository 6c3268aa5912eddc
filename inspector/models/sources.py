"""From a model reference to the place that it names: a directory, a preset, a bundled checkpoint or a hub repository.

Finding is cheap and imports neither torch nor transformers, so that the launcher can check a reference before either
is loaded. Nothing here reads weights: `checkpoint` looks into their files, `loading` loads them.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from inspector.errors import UnknownReference
from inspector.models import hub
from inspector.models.checkpoint import find_weights, ggufs, read_json, some
from inspector.models.failures import one_line
from inspector.models.presets import Preset

DEMOS = Path(__file__).resolve().parents[1] / "demo"
"""Where the bundled checkpoints lie, each in a directory of its own."""

FIRST = "qwen2.5-vl"
"""The bundled checkpoint that is offered first."""

REPOSITORY = re.compile(r"([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)

Kind = Literal["preset", "directory", "hub", "demo"]


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference names.

    `path` is the directory that holds the configuration; None for a preset, and for a hub repository that is not in the
    cache yet (`load_model` fetches it, and hands families a source that has its path). `repository` is the name of that
    repository. `gguf` is the name of the GGUF file in `path` that holds everything: weights, configuration and
    vocabulary. `has_weights` says whether there is anything to load; without it the model opens shape-only.
    """

    reference: str
    kind: Kind
    path: Path | None = None
    preset: Preset | None = None
    has_weights: bool = False
    gguf: str | None = None
    repository: str | None = None
    trust_remote_code: bool = False

    def directory(self) -> Path | None:
        """The directory that transformers' `from_pretrained` reads; None for a preset."""
        return self.path

    def json(self, name: str) -> dict[str, Any] | None:
        """A JSON file beside the checkpoint, or what the preset says in its place; None where there is none.

        The caller owns what it gets. Raises `ModelError` for a file that cannot be read or is no JSON object.
        """
        if self.preset is not None:
            return _published(self.preset, name)
        if self.path is None or not (self.path / name).is_file():
            return None
        return read_json(self.path / name)

    def at(self, snapshot: Path) -> Source:
        """The same repository, now that it lies in the cache at `snapshot`."""
        gguf = self.gguf
        if gguf is None and not is_checkpoint(snapshot) and len(files := ggufs(snapshot)) == 1:
            gguf = files[0]
        return replace(self, path=snapshot, gguf=gguf)


def find(reference: str, presets: Mapping[str, Preset]) -> Source:
    """What `reference` names. Raises `UnknownReference` with what stands near, and `ModelError` for a damaged index."""
    prefix, _, name = reference.partition(":")
    if prefix == "preset":
        return _preset(reference, name, presets)
    if prefix == "demo":
        return _demo(reference, name, presets)
    try:
        source = _on_disk(reference) or (None if _is_path(reference) else _repository(reference))
    except (OSError, RuntimeError) as error:  # RuntimeError: the home directory of somebody unknown
        raise UnknownReference(f"{reference!r:.200} cannot be read: {one_line(error)}") from error
    if source is None:
        raise UnknownReference(
            f"There is no model {reference!r}: no such directory, and no name of the form owner/name, preset:NAME or "
            f"demo:NAME.{_near(reference, presets)} `inspector models` lists what there is."
        )
    return source


def demos() -> list[str]:
    """Names of the bundled checkpoints, the one to begin with before the others."""
    names = (config.parent.name for config in DEMOS.glob("*/config.json"))
    return sorted(names, key=lambda name: (name != FIRST, name))


def is_checkpoint(directory: Path) -> bool:
    """Whether a directory holds a configuration."""
    return (directory / "config.json").is_file()


def is_model(directory: Path) -> bool:
    """Whether a directory holds something that opens."""
    return is_checkpoint(directory) or bool(ggufs(directory))


def _preset(reference: str, name: str, presets: Mapping[str, Preset]) -> Source:
    by_case = {known.casefold(): preset for known, preset in presets.items()}
    preset = presets.get(name) or by_case.get(name.casefold())
    if preset is None:
        raise UnknownReference(
            f"There is no preset {name!r}.{_near(reference, presets)} `inspector models` lists what there is."
        )
    return Source(f"preset:{preset.name}", "preset", preset=preset)


def _demo(reference: str, name: str, presets: Mapping[str, Preset]) -> Source:
    if name not in demos():
        known = f"There are {', '.join(demos())}." if demos() else "This installation bundles none."
        raise UnknownReference(f"There is no bundled checkpoint {name!r}. {known}{_near(reference, presets)}")
    return Source(reference, "demo", path=DEMOS / name, has_weights=find_weights(DEMOS / name) is not None)


def _directory(reference: str, path: Path) -> Source:
    if is_checkpoint(path):
        return Source(reference, "directory", path=path, has_weights=find_weights(path) is not None)
    files = ggufs(path)
    if len(files) == 1:
        return Source(reference, "directory", path=path, has_weights=True, gguf=files[0])
    if files:
        raise UnknownReference(f"{path} holds {len(files)} GGUF files; name one of them: {', '.join(files)}.")
    if (path / "trace.json").is_file():
        raise UnknownReference(f"{path} is a saved trace, not a model. `inspector open {path}` shows it.")
    if (path / "adapter_config.json").is_file():
        base = read_json(path / "adapter_config.json").get("base_model_name_or_path")
        raise UnknownReference(f"{path} holds an adapter, not a model; the model that it changes is {base!r}.")
    there = sorted(file.name for file in path.iterdir())
    raise UnknownReference(
        f"{path} is no checkpoint: it has no config.json. "
        f"{f'It holds {some(there)}.' if there else 'It is empty.'}{_below(path)}"
    )


def _on_disk(reference: str) -> Source | None:
    path = Path(reference).expanduser()
    if path.is_dir():
        return _directory(reference, path)
    return _file(reference, path) if path.is_file() else None


def _file(reference: str, path: Path) -> Source:
    if path.suffix == ".gguf":
        return Source(reference, "directory", path=path.parent, has_weights=True, gguf=path.name)
    advice = f" Open its directory, {path.parent}." if is_model(path.parent) else ""
    raise UnknownReference(f"{path} is a file; a model is a checkpoint directory or a .gguf file.{advice}")


def _repository(reference: str) -> Source | None:
    """A repository of the hub; a name without an owner, as some old ones are, only where the cache has it."""
    name, gguf = reference, None
    if reference.endswith(".gguf") and reference.count("/") == 2:
        name, _, gguf = reference.rpartition("/")
    if not REPOSITORY.fullmatch(name):
        return None
    source = Source(reference, "hub", has_weights=True, repository=name, gguf=gguf)
    snapshot = hub.snapshot(name)
    if snapshot is not None:
        return source.at(snapshot)
    return source if "/" in name else None


def _is_path(reference: str) -> bool:
    return reference.startswith((".", "/", "~", "\\")) or Path(reference).is_absolute() or not reference


def _near(reference: str, presets: Mapping[str, Preset]) -> str:
    """A half sentence with what looks like `reference`; case, and what stands before the name itself, do not count."""
    bare = {_bare(known): known for known in _known(reference, presets)}
    close = difflib.get_close_matches(_bare(reference), bare, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(bare[name] for name in close)}?" if close else ""


def _known(reference: str, presets: Mapping[str, Preset]) -> Iterator[str]:
    yield from (f"preset:{name}" for name in presets)
    yield from (f"demo:{name}" for name in demos())
    yield from hub.cached_models()
    with contextlib.suppress(OSError, RuntimeError):
        parent = Path(reference).expanduser().parent
        yield from (str(parent / below.name) for below in parent.iterdir() if below.is_dir() and is_model(below))


def _bare(name: str) -> str:
    return re.split(r"[:/\\]", name.casefold().rstrip("/\\"))[-1]


def _below(path: Path) -> str:
    models = sorted(str(below) for below in path.iterdir() if below.is_dir() and is_model(below))
    return f" Did you mean {' or '.join(models[:3])}?" if models else ""


def _published(preset: Preset, name: str) -> dict[str, Any] | None:
    files = {
        "config.json": preset.config,
        "generation_config.json": preset.generation,
        "preprocessor_config.json": preset.image_processor,
    }
    data = files.get(name)
    return copy.deepcopy(dict(data)) if data else None
