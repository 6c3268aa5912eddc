"""Pictures as they are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.errors import InputError
from inspector.models.images import open_picture, open_pictures
from tests.fakes import picture


def test_a_file_and_a_picture_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "noise.png"
    picture(60, 40).save(file)
    first, second = open_pictures([file, picture(30, 20)])
    assert (first.source, first.image.size, first.image.mode) == (str(file), (60, 40), "RGB")
    assert second.source == "picture 2"
    assert second.media().to_json() == {"kind": "image", "source": "picture 2", "width": 30, "height": 20}


def test_it_stands_upright_as_its_exif_orientation_says(tmp_path: Path) -> None:
    turned, exif = picture(60, 40), Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg").image.size == (40, 60)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_any_mode_becomes_rgb(mode: str) -> None:
    assert open_picture(picture(20, 20).convert("L").convert(mode)).image.mode == "RGB"


def test_sixteen_bits_keep_their_greys() -> None:
    ramp = Image.fromarray((np.arange(64 * 64, dtype=np.uint16) * 16).reshape(64, 64))
    pixels = np.asarray(open_picture(ramp).image)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert 120 < pixels.mean() < 135


def test_bad_files_are_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    whole = tmp_path / "whole.png"
    picture(64, 64).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:3000])
    for file, message in [
        (tmp_path / "absent.png", "There is no file"),
        (text, "is not an image"),
        (cut, "damaged"),
        (tmp_path, "is a directory"),
        ("https://example.org/cat.png", "is an address"),
    ]:
        with pytest.raises(InputError, match=message) as caught:
            open_picture(file)
        assert str(file) in str(caught.value)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)])
def test_too_small(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=rf"picture 1 \({size[0]}×{size[1]}\) is too small"):
        open_picture(picture(*size))


def test_a_bomb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture(64, 64).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(InputError, match="too large"):
        open_picture(tmp_path / "large.png")


def test_what_is_no_image_at_all() -> None:
    with pytest.raises(InputError, match="image 2 is a int"):
        open_pictures([picture(8, 8), 3])  # type: ignore[list-item]
