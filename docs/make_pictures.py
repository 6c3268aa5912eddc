"""Make the README's pictures from the program itself: `python docs/make_pictures.py`, with the extra `qwen`."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PICTURE = HERE.parent / "examples" / "pictures" / "coffee.png"
SIZE = (140, 40)
SHOTS = {
    "forward.svg": ["G", *"kkkkkkkk", "tab", "k"],
    "tokens.svg": ["2"],
}


async def main() -> None:
    from inspector import Request
    from inspector.tui.app import InspectorApp

    app = InspectorApp("preset:Qwen2.5-VL-7B", Request(("What is in the cup?",), (PICTURE,)))
    async with app.run_test(size=SIZE) as pilot:
        while type(app.screen).__name__ != "InspectorScreen":
            await pilot.pause(0.1)
        for name, keys in SHOTS.items():
            await pilot.press(*keys)
            await pilot.pause(1)
            (HERE / name).write_text(_without_web_fonts(app.export_screenshot(title="Inspector")), encoding="utf-8")


def _without_web_fonts(svg: str) -> str:
    """A picture that fetches nothing: the viewer's own monospaced font does."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as settings:  # the maker's own theme and keys stay out of the picture
        os.environ["INSPECTOR_CONFIG_DIR"] = os.environ["INSPECTOR_STATE_DIR"] = settings
        asyncio.run(main())
