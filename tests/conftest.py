"""Settled before anything is imported: one thread for each worker, and no settings of whoever runs the tests."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")

_folder = tempfile.TemporaryDirectory(prefix="inspector-tests-")
for _name in ("INSPECTOR_CONFIG_DIR", "INSPECTOR_STATE_DIR"):
    os.environ[_name] = os.path.join(_folder.name, _name.lower())
