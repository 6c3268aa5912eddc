"""The page of the tour says what the stops say, and has a picture of each."""

from __future__ import annotations

import runpy
from pathlib import Path

from inspector.tui.tour.stops import STOPS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_that_of_the_stops() -> None:
    page = runpy.run_path(str(DOCS / "make_pictures.py"))["page"]()
    assert (DOCS / "TOUR.md").read_text(encoding="utf-8") == page, "python docs/make_pictures.py --page writes it again"


def test_every_stop_is_pictured() -> None:
    assert sorted(file.name for file in (DOCS / "tour").iterdir()) == [f"{n}.svg" for n in range(1, len(STOPS) + 1)]
