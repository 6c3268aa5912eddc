"""What a bundled checkpoint is asked where the user asks nothing: its `example.json`.

{"prompt": "What is in the picture?", "images": ["../pictures/scene.png"], "videos": []}
"""

from __future__ import annotations

from inspector.errors import ModelError
from inspector.models.inputs import Request
from inspector.models.sources import Source

FILE = "example.json"
MEDIA = ("images", "videos")


def example(source: Source) -> Request | None:
    """The question of a bundled checkpoint, None for any other. Files are named as seen from its directory.

    Raises `ModelError` for a file that is damaged.
    """
    data = source.json(FILE) if source.kind == "demo" else None
    if data is None or source.path is None:
        return None
    try:
        images, videos = (tuple((source.path / name).resolve() for name in data.get(key, ())) for key in MEDIA)
        return Request((str(data["prompt"]),), images, videos=videos)
    except (KeyError, TypeError) as error:
        raise ModelError(f"{source.path / FILE} is damaged: {type(error).__name__}: {error}") from error
