"""A `parts.Picture` on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.parts import Picture
from inspector.tui.widgets.canvas import Canvas, Size

if TYPE_CHECKING:
    from PIL.Image import Image


class PictureView(Canvas):
    """The picture as large as it fits, never larger than it is."""

    def __init__(self, picture: Picture, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.picture = picture

    def on_mount(self) -> None:
        self.tooltip = f"{self.picture.width} × {self.picture.height} pixels"

    def fit(self, width: int, height: int) -> Size:
        picture = self.picture
        scale = min(1.0, width / picture.width, height / picture.height)
        return max(1, int(picture.width * scale)), max(1, int(picture.height * scale))

    def draw(self, width: int, height: int) -> Image:
        from PIL import Image

        whole = Image.frombytes("RGB", (self.picture.width, self.picture.height), self.picture.rgb)
        return whole.resize((width, height), Image.Resampling.BOX)
