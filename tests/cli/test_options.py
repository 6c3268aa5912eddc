from __future__ import annotations

import click
import pytest

from inspector.cli.options import MODEL_NAMES, options_of, request_of, size
from inspector.errors import InputError
from inspector.models import Options

NOTHING = {
    "videos": (),
    "fps": None,
    "frames": None,
    "prompts": (),
    "images": (),
    "messages": None,
    "system": None,
    "raw": False,
}


@pytest.mark.parametrize(
    ("text", "count"),
    [("1024", 1024), ("2GB", 2 * 10**9), ("1.5GiB", 3 * 2**29), ("500 MB", 5 * 10**8), ("1k", 1000), ("0", 0)],
)
def test_sizes(text: str, count: int) -> None:
    context, option = click.Context(click.Command("c")), click.Option(["--budget"])
    assert size(context, option, text) == count


@pytest.mark.parametrize("text", ["", "x", "-1GB", "1..5GB", "2XB", "GB", "1e9"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size"):
        size(click.Context(click.Command("c")), click.Option(["--budget"]), text)


def test_requests() -> None:
    asked = request_of({**NOTHING, "prompts": ("a", "b"), "images": ("x.png",), "system": "s", "raw": True})
    assert (asked.prompts, asked.images, asked.system, asked.raw) == (("a", "b"), ("x.png",), "s", True)
    video = request_of({**NOTHING, "prompts": ("a",), "videos": ("x.mp4",), "fps": 2.0})
    assert (video.videos, video.fps, video.frames) == (("x.mp4",), 2.0, None)
    with pytest.raises(InputError, match="Nothing was asked"):
        request_of({**NOTHING, "images": ("x.png",)})


def test_model_options() -> None:
    given = {name: getattr(Options(), name) for name in MODEL_NAMES}
    assert options_of(given) == Options()
