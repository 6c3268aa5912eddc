"""Make the pictures of the README and the page of the tour from the program itself: `python docs/make_pictures.py`.

Needs the extra `qwen`. With `--page` only the text of the tour is written again.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.pilot import Pilot

HERE = Path(__file__).parent
PICTURE = HERE.parent / "examples" / "pictures" / "coffee.png"
SIZE = (140, 40)
FORWARD = ("G", *"kkkkkkkk", "tab", "k")
"""Keys that lead to what the README shows of a forward."""

BEGINNING = """# A tour of Inspector

The same as `inspector tour`, on a page. It takes about five minutes in the program, where every key can be tried; the
model is bundled, and nothing is downloaded.
"""


async def readme() -> None:
    """A published architecture without its weights, on a photograph."""
    from inspector import Request
    from inspector.tui.app import InspectorApp

    app = InspectorApp("preset:Qwen2.5-VL-7B", Request(("What is in the cup?",), (PICTURE,)))
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press(*FORWARD)
        await quiet(pilot)
        keep(app.export_screenshot(title="Inspector"), HERE / "forward.svg")


async def tour() -> None:
    """Every stop of the tour, after the keys that its text invites to."""
    from inspector.tui.app import InspectorApp
    from inspector.tui.tour.stops import STOPS

    app = InspectorApp(tour=True)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot)
        for number, stop in enumerate(STOPS, start=1):
            if number > 1:
                await pilot.press("f3")
                await quiet(pilot)
            for key in stop.pressed:
                await pilot.press(key)
                await quiet(pilot)
            keep(app.export_screenshot(title=f"inspector tour · {stop.title}"), HERE / "tour" / f"{number}.svg")


def page() -> str:
    """The tour in Markdown, with the keys as they are without a keymap of one's own."""
    from inspector.tui.app import InspectorApp
    from inspector.tui.keymap import load_screens, shown
    from inspector.tui.tour.stops import STOPS

    load_screens()
    app = InspectorApp()
    parts = [BEGINNING]
    for number, stop in enumerate(STOPS, start=1):
        text = "".join(f"`{shown(app, piece)}`" if is_action else piece for piece, is_action in stop.pieces())
        parts.append(f"## {number}. {stop.title}\n\n{text}\n\n![{stop.title}](tour/{number}.svg)\n")
    return "\n".join(parts)


async def opened(pilot: Pilot[None]) -> None:
    while type(pilot.app.screen).__name__ != "InspectorScreen":
        await pilot.pause(0.1)
    await quiet(pilot)


async def quiet(pilot: Pilot[None]) -> None:
    """Wait until tour, generation and attention stand still, and a moment for what is worked out beside the keys."""
    from inspector.tui.generate.tab import GenerateTab

    def busy() -> bool:
        tabs = [tab for screen in pilot.app.screen_stack for tab in screen.query(GenerateTab)]
        working = any(worker.is_running and worker.group in ("tour", "look") for worker in pilot.app.workers)
        return working or any(tab.driver.doing for tab in tabs)

    await pilot.pause(0.3)
    while busy():
        await pilot.pause(0.1)
    await pilot.pause(1)


def keep(svg: str, file: Path) -> None:
    """Write a picture that fetches nothing: the viewer's own monospaced font does."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


def main() -> None:
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as settings:  # the maker's own theme and keys stay out of the pictures
        os.environ["INSPECTOR_CONFIG_DIR"] = os.environ["INSPECTOR_STATE_DIR"] = settings
        (HERE / "TOUR.md").write_text(page(), encoding="utf-8")
        if "--page" not in sys.argv:
            asyncio.run(readme())
            asyncio.run(tour())


if __name__ == "__main__":
    main()
