"""Conversations from a JSON file. Pictures and videos that they name are looked for beside the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspector.errors import InputError
from inspector.models.inputs import Message
from inspector.models.mediums import KEYS

EXPECTED = (
    'A conversation is a list of messages such as {"role": "user", "content": "…"}; a batch is a list of conversations.'
)


def read_messages(file: Path) -> tuple[list[Message], ...]:
    """One conversation or several. Raises `InputError` with file and line, or with the place in the structure."""
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InputError(f"{file}, line {error.lineno}, column {error.colno}: no JSON: {error.msg}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text: {error.reason} at byte {error.start}.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from error
    if isinstance(data, dict) and isinstance(data.get("messages"), list):
        data = data["messages"]
    if not isinstance(data, list) or not data:
        raise InputError(f"{file} holds {_kind(data)}. {EXPECTED}")
    many = all(isinstance(item, list) for item in data)
    conversations = data if many else [data]
    return tuple(
        [_message(message, file, _place(number if many else None, place)) for place, message in enumerate(conversation)]
        for number, conversation in enumerate(conversations)
    )


def _message(message: Any, file: Path, where: str) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise InputError(f"{file}, {where}: {_kind(message)} where a message was expected. {EXPECTED}")
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return message
    if not isinstance(content, list):
        raise InputError(f"{file}, {where}: its content is {_kind(content)}; a text or a list of parts was expected.")
    return {**message, "content": [_part(part, file.parent) for part in content]}


def _part(part: Any, folder: Path) -> Any:
    """The part with a relative path of a picture or video made to start from the file's folder."""
    if not isinstance(part, Mapping) or "text" in part:
        return part
    naming = {key for keys in KEYS.values() for key in keys}
    return {key: _beside(value, folder) if key in naming else value for key, value in part.items()}


def _beside(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {key: _beside(item, folder) if key == "url" else item for key, item in value.items()}
    if not isinstance(value, str) or value.startswith(("http://", "https://", "data:", "file:", "~")):
        return value
    return str(folder / value)


def _place(conversation: int | None, message: int) -> str:
    name = f"message {message + 1}"
    return name if conversation is None else f"conversation {conversation + 1}, {name}"


def _kind(data: Any) -> str:
    """What a piece of JSON is, in words."""
    if isinstance(data, list):
        return "a list" if data else "an empty list"
    return {dict: "an object", str: "a text", bool: "true or false", type(None): "null"}.get(type(data), "a number")
