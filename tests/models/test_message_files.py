from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.errors import InputError
from inspector.models.message_files import read_messages

ASKED = {"role": "user", "content": "Hi"}


def written(tmp_path: Path, data: object) -> Path:
    file = tmp_path / "talk.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return file


def test_a_conversation_several_and_an_object(tmp_path: Path) -> None:
    assert read_messages(written(tmp_path, [ASKED])) == ([ASKED],)
    assert read_messages(written(tmp_path, [[ASKED], [ASKED, ASKED]])) == ([ASKED], [ASKED, ASKED])
    assert read_messages(written(tmp_path, {"messages": [ASKED]})) == ([ASKED],)


def test_pictures_are_looked_for_beside_the_file(tmp_path: Path) -> None:
    parts = [
        {"type": "image", "image": "a.png"},
        {"type": "image", "path": "/abs/b.png"},
        {"type": "image_url", "image_url": {"url": "sub/c.png"}},
        {"type": "image", "url": "https://example.org/d.png"},
        {"type": "text", "text": "image"},
    ]
    ((message,),) = read_messages(written(tmp_path, [{"role": "user", "content": parts}]))
    first, second, third, *rest = message["content"]
    assert first["image"] == str(tmp_path / "a.png")
    assert second["path"] == "/abs/b.png"
    assert third["image_url"]["url"] == str(tmp_path / "sub/c.png")
    assert rest == parts[3:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('[\n  {"role": "user",}\n]', "talk.json, line 2, column"),
        ("[]", "an empty list"),
        ('"Hi"', "a text"),
        ("{}", "an object"),
        ("[1]", "message 1: a number where a message was expected"),
        ([[ASKED], [{"content": "x"}]], "conversation 2, message 1: an object where"),
        ([{"role": "user", "content": 3}], "its content is a number"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, data: object, message: str) -> None:
    with pytest.raises(InputError) as raised:
        read_messages(written(tmp_path, data))
    assert message in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_messages(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no UTF-8 text"):
        read_messages(tmp_path / "binary")
