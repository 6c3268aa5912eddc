"""The training program's package, which lies beside the examples, can be imported here."""

from __future__ import annotations

import sys

from tests.hygiene.tree import ROOT

sys.path.append(str(ROOT / "examples"))
