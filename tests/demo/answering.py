"""How the tests ask a bundled model, and what about."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageDraw

from inspector import Session
from inspector.models.sources import DEMOS

PICTURES = DEMOS / "pictures"
GREEDY: dict[str, Any] = {"do_sample": False, "temperature": None, "max_new_tokens": 40}


def asked(session: Session, prompt: str | None = None, **given: Any) -> str:
    """What is answered greedily, otherwise at the settings that ship."""
    with session.generate(prompt, **given, **GREEDY) as generation:
        return "".join(step.text for step in generation).removesuffix("<|im_end|>")


def drawn(square: str, circle: str) -> Image.Image:
    """A picture that no program of ours drew: a square on the left and a circle on the right, in these colours."""
    image = Image.new("RGB", (320, 200), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((25, 65, 95, 135), fill=square)
    pen.ellipse((225, 60, 305, 140), fill=circle)
    return image
