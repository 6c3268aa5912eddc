"""What goes wrong while transformers loads a model, as one clear message, and nothing of the attempt left in memory."""

from __future__ import annotations

import pickle
import sys
import traceback
from typing import TYPE_CHECKING

from inspector.errors import ModelError
from inspector.models.devices import Need, ran_out

if TYPE_CHECKING:
    from inspector.models.checkpoint import Weights

NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


def explain(error: Exception, need: Need, device: str, weights: Weights | None = None) -> ModelError:
    """The error to raise for what `from_pretrained` or `from_config` raised."""
    said = one_line(error)
    if _is_out_of_memory(error):
        return ran_out(need, device)
    if isinstance(error, ImportError):
        return ModelError(f"{need.reference} needs a package that is not installed: {said}")
    if "trust_remote_code=True" in str(error):
        return ModelError(
            f"{need.reference} brings Python code of its own, which would run on this machine. Read it, and allow it "
            "with --trust-remote-code if you trust it."
        )
    if weights is not None and weights.files[0].suffix == ".bin":
        return _pickled(error, weights)
    return ModelError(f"{need.reference} cannot be loaded: {type(error).__name__}: {said}")


def one_line(error: BaseException, most: int = 500) -> str:
    """What an error says, in one line that ends with a full stop; its type where it says nothing."""
    said = " ".join(str(error).split()) or type(error).__name__
    said = said if len(said) <= most else said[:most].rsplit(" ", 1)[0] + " …"
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def forget(error: BaseException) -> None:
    """Let go of what a failed attempt built: the traceback stays readable, the local variables in it are dropped."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        raised = waiting.pop()
        if raised is not None and id(raised) not in seen:
            seen.add(id(raised))
            traceback.clear_frames(raised.__traceback__)
            waiting += [raised.__cause__, raised.__context__]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _pickled(error: Exception, weights: Weights) -> ModelError:
    where = ", ".join(file.name for file in weights.files[:3])
    lines = [line.strip() for line in str(error).splitlines()]
    refused = next((line for line in lines if "unsupported" in line.lower()), "")
    if isinstance(error, pickle.UnpicklingError) and refused:
        return ModelError(
            f"{weights.entry.parent}: the pickled weights ({where}) hold more than tensors, and nothing of it was run: "
            f"{refused} Ask for the model in safetensors."
        )
    return ModelError(
        f"{weights.entry.parent}: the pickled weights ({where}) cannot be read; they are damaged, or no checkpoint of "
        f"torch: {one_line(error, 200)} Ask for the model in safetensors."
    )


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    said = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in said for words in NO_MEMORY)
