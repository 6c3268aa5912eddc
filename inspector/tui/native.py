"""Load torch's native library without holding up the keyboard.

`import torch` maps and links a library of hundreds of megabytes inside one call that keeps Python's lock: 0.2 s with
the file in memory, more without, in which no key is seen. Called through ctypes the same `dlopen` lets the lock go, and
the import that follows finds the library loaded. Where anything here fails, the import does it all, as it always did.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path


def load_torch_library() -> None:
    """Load what `import torch` will need first. Does nothing where it is loaded, or on Windows."""
    if "torch" in sys.modules or not hasattr(os, "RTLD_LAZY"):
        return
    with suppress(OSError, AttributeError, ImportError):
        folder = _folder()
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.restype = ctypes.c_void_p
        dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
        suffix = ".dylib" if sys.platform == "darwin" else ".so"
        # In torch's own order: what its libraries share must be visible to all of them.
        for name, flags in (("libtorch_global_deps", os.RTLD_GLOBAL), ("libtorch_cpu", 0), ("libtorch", 0)):
            dlopen(os.fsencode(folder / f"{name}{suffix}"), os.RTLD_LAZY | flags)


def _folder() -> Path:
    """Where torch keeps its libraries, found without importing it. Raises `ImportError` where there is no torch."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("torch is not installed")
    return Path(spec.submodule_search_locations[0]) / "lib"
