"""Pictures from files or from memory, upright and in RGB, with what is to be said about each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from inspector.errors import InputError
from inspector.trace import Media

SMALLEST = 4
"""Pixels a side: below, transformers cannot tell a picture's rows from its colour channels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was opened: RGB, turned as its EXIF orientation says, and where it came from."""

    image: Image.Image
    source: str

    def media(self, row: int = 0) -> Media:
        return Media("image", self.source, self.image.width, self.image.height, row=row)

    def __str__(self) -> str:
        return f"{self.source} ({self.image.width}×{self.image.height})"


def open_pictures(images: Iterable[str | Path | Image.Image]) -> list[Picture]:
    """Open files and pictures in memory. Raises `InputError` for what is missing, no image, damaged or too small."""
    return [open_picture(image, number) for number, image in enumerate(images, start=1)]


def open_picture(image: str | Path | Image.Image, number: int = 1) -> Picture:
    """Open one picture; `number` names one that came from memory."""
    if isinstance(image, Image.Image):
        source = str(getattr(image, "filename", "")) or f"picture {number}"
    elif isinstance(image, (str, Path)):
        source = str(image)
    else:
        raise InputError(f"An image is a file or a PIL image; image {number} is a {type(image).__name__}.")
    try:
        picture = Picture(_upright(image if isinstance(image, Image.Image) else _open(source)), source)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{source} is too large a picture: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's decoders raise for damaged data
        raise InputError(f"{source} is damaged and cannot be decoded: {error}.") from error
    if min(picture.image.size) < SMALLEST:
        raise InputError(f"{picture} is too small: a picture needs at least {SMALLEST} pixels a side.")
    return picture


def _open(source: str) -> Image.Image:
    file = Path(source).expanduser()
    if source.startswith(("http://", "https://")):
        raise InputError(f"{source} is an address; Inspector reads pictures from files. Download it first.")
    if file.is_dir():
        raise InputError(f"{source} is a directory; an image file was expected.")
    try:
        return Image.open(file)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {source}.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{source} is not an image, or of a format that Pillow cannot read.") from error
    except PermissionError as error:
        raise InputError(f"{source} cannot be read: permission denied.") from error


def _upright(image: Image.Image) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I;16"):  # converting straight to RGB would clip it to white
        turned = turned.point(lambda value: value / 256).convert("L")
    return turned.convert("RGB")
