"""Repositories of the Hugging Face hub: what the local cache holds, and fetching what it lacks.

The cache is read by its documented layout, `models--OWNER--NAME/{refs,snapshots}`, because listing it is to cost
milliseconds; everything that goes over the network goes through `huggingface_hub`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspector.errors import InspectorError, ModelError, UnknownReference
from inspector.models.checkpoint import entry, find_weights, ggufs, shards, some
from inspector.models.failures import one_line
from inspector.models.quiet import Progress

SMALL = (".json", ".txt", ".model", ".jinja", ".py", ".tiktoken")
"""Endings of what stands beside the weights: configuration, vocabulary, templates, code."""


def cache_directory() -> Path:
    """Where `huggingface_hub` keeps repositories."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def cached_models() -> list[str]:
    """Names of the model repositories in the cache that can be opened from it."""
    with contextlib.suppress(OSError):
        folders = sorted(folder.name for folder in cache_directory().glob("models--*"))
        names = [folder.removeprefix("models--").replace("--", "/") for folder in folders]
        return [name for name in names if snapshot(name) is not None]
    return []


def snapshot(repository: str) -> Path | None:
    """The directory of a repository in the cache, as its main branch was last seen; None where nothing opens."""
    folder = cache_directory() / f"models--{repository.replace('/', '--')}"
    try:
        main = folder / "snapshots" / (folder / "refs" / "main").read_text().strip()
    except OSError:
        main = max((folder / "snapshots").glob("*"), key=lambda path: path.stat().st_mtime, default=folder)
    return main if (main / "config.json").is_file() or ggufs(main) else None


def is_complete(path: Path, gguf: str | None, weights: bool) -> bool:
    """Whether a snapshot has a configuration, a vocabulary and, where asked for, every weight file."""
    if gguf is not None:
        return (path / gguf).is_file()
    vocabulary = any(path.glob("*token*")) or any(path.glob("vocab*"))
    if not (path / "config.json").is_file() or not vocabulary:
        return False
    found = find_weights(path) if weights else None
    return not weights or (found is not None and not found.missing())


def fetch(repository: str, gguf: str | None, weights: bool, progress: Progress) -> Path:
    """Download what is missing of a repository, and return its directory.

    `weights` False leaves the weights out. Raises `UnknownReference` for a repository that is not there, `ModelError`
    for one that may not be read and for a hub that cannot be reached.
    """
    from huggingface_hub import HfApi

    progress(f"asking the hub for {repository}", None)
    try:
        info = HfApi().model_info(repository, files_metadata=True, timeout=10)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        beside = {name: size for name, size in sizes.items() if "/" not in name and name.endswith(SMALL)}
        path = _download(repository, beside, progress)
        if weights and (names := _weight_files(repository, path, sizes, gguf)):
            path = _download(repository, {name: sizes[name] for name in names}, progress)
        return path
    except InspectorError:
        raise
    except Exception as error:  # the hub client raises many kinds, of its own and of its HTTP library
        raise _explain(repository, error) from error


def _weight_files(repository: str, path: Path, sizes: Mapping[str, int], gguf: str | None) -> list[str]:
    """The names of the weight files to download; none for a repository without weights. Raises `ModelError`."""
    files = [name for name in sizes if name.endswith(".gguf")]
    first = gguf or entry(sizes) or (files[0] if len(files) == 1 else None)
    if first is None and files:
        choice = " or ".join(f"{repository}/{name}" for name in files[:3])
        raise ModelError(f"{repository} holds {len(files)} GGUF files; name one of them: {choice}.")
    if first is None:
        return []
    names = shards(path / first) if first.endswith(".json") else [first]
    if absent := [name for name in names if name not in sizes]:
        raise ModelError(f"{repository} has no {some(absent)}. It holds {some(sorted(sizes), 6)}.")
    return names


def _download(repository: str, sizes: Mapping[str, int], progress: Progress) -> Path:
    """Fetch files by name, `sizes` in bytes each, and return the directory in the cache."""
    from huggingface_hub import snapshot_download
    from tqdm.std import tqdm

    here = snapshot(repository)
    total = sum(size for name, size in sizes.items() if here is None or not (here / name).exists())

    class Bar(tqdm):  # type: ignore[misc]
        """Draws nothing, and tells `progress` of the bytes."""

        def __init__(self, *args: Any, **options: Any) -> None:
            self.counts_bytes = options.get("unit") == "B"
            options.pop("name", None)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            if self.counts_bytes and total:
                progress(f"downloading {repository}", min(self.n / total, 1.0))
            return None

    progress(f"downloading {repository}", 0.0)
    return Path(snapshot_download(repository, allow_patterns=list(sizes), tqdm_class=Bar))


def _explain(repository: str, error: Exception) -> InspectorError:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{repository} is gated: ask for access at {_page(repository)}, then log in with `hf auth login`, or set "
            "HF_TOKEN."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return UnknownReference(
            f"The hub has no repository {repository!r}, or it is private. Check the name at {_page(repository)}, or "
            "log in with `hf auth login`."
        )
    if isinstance(error, errors.OfflineModeIsEnabled):
        return ModelError(
            f"{repository} is not whole in the cache ({cache_directory()}), and HF_HUB_OFFLINE forbids to download it."
        )
    if isinstance(error, errors.HfHubHTTPError):
        return ModelError(f"The hub refused {repository}: {one_line(error, 200)}")
    return ModelError(
        f"{repository} is not whole in the cache ({cache_directory()}), and could not be downloaded: "
        f"{one_line(error, 200)} Check the connection, or name a checkpoint directory."
    )


def _page(repository: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{repository}"
