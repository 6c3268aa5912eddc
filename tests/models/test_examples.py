"""What a bundled checkpoint is asked where the user asks nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.errors import ModelError
from inspector.models import example, find
from inspector.models.sources import Source


def demo(directory: Path, data: object) -> Source:
    (directory / "example.json").write_text(json.dumps(data))
    return Source("demo:mine", "demo", path=directory)


def test_files_are_named_as_seen_from_the_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    request = example(demo(tmp_path / "mine", {"prompt": "What is it?", "images": ["../pictures/a.png"]}))
    assert request is not None
    assert request.prompts == ("What is it?",)
    assert request.images == ((tmp_path / "pictures" / "a.png").resolve(),)
    assert request.videos == ()


def test_other_models_have_none(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "example.json").write_text("{}")
    assert example(find(str(tmp_path), {})) is None


@pytest.mark.parametrize("data", [{}, {"prompt": "a", "images": [1]}])
def test_a_damaged_file_is_named(tmp_path: Path, data: object) -> None:
    with pytest.raises(ModelError, match="is damaged"):
        example(demo(tmp_path, data))
