"""The tokenizer of the first Qwen models and their chat format.

The vocabulary is that of Qwen2, with other control tokens behind it: three, and 205 spare ones of which the first
stands for a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ..qwen_vocabulary import Kind, qwen_tokenizer  # noqa: TID252 - the package has another name here

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from inspector import Source

PLACEHOLDER = "<|extra_0|>"
IM_START, IM_END = "<|im_start|>", "<|im_end|>"
SYSTEM = "你是一位图像理解助手。"
QWEN1 = Kind(
    special=("<|endoftext|>", IM_START, IM_END, *(f"<|extra_{number}|>" for number in range(205))),
    added=(),
    eos="<|endoftext|>",
    length=8192,
)
VOCABULARY = "qwen.tiktoken"

STOPS = (IM_END, IM_START, "<|endoftext|>")
"""Where an answer of a chat model ends."""

Encode = Callable[[str], list[int]]
"""Text to ids, with nothing in it taken for a control token."""


@cache
def chat_template(placeholder: str = PLACEHOLDER) -> str:
    """The template of the chat format, with the word that stands for a picture."""
    template = (files("inspector_plugins") / "clip_qwen" / "chat.jinja").read_text(encoding="utf-8")
    return template.replace(PLACEHOLDER, placeholder)


def published_tokenizer(source: Source, notices: list[str]) -> PreTrainedTokenizerBase:
    """The tokenizer of a `qwen.tiktoken` beside a checkpoint, or the one that belongs to a preset."""
    directory = source.directory()
    file = directory / VOCABULARY if directory is not None and (directory / VOCABULARY).is_file() else None
    return qwen_tokenizer(chat_template(), notices, QWEN1, file)


def context(
    query: str,
    encode: Encode,
    history: Sequence[tuple[str, str]] = (),
    system: str = SYSTEM,
    longest: int = 6144,
) -> tuple[str, list[int]]:
    """The text and the ids that the original makes of a conversation; `history` holds questions with their answers.

    As much of the history is taken as leaves the ids below `longest`, from its end. Control tokens in what people wrote
    stay plain text here; the original's programs encode the text again, where they do not.
    """
    start, end, line = QWEN1_IDS[IM_START], QWEN1_IDS[IM_END], encode("\n")

    def turn(role: str, content: str) -> tuple[str, list[int]]:
        ids = [start, *encode(role), *encode("\n"), *encode(content), end]
        return f"{IM_START}{role}\n{content}{IM_END}", ids

    system_text, system_ids = turn("system", system)
    query_text, query_ids = turn("user", query)
    text, ids = "", list[int]()
    for question, answer in reversed(history):
        (asked, asked_ids), (answered, answered_ids) = turn("user", question), turn("assistant", answer)
        earlier = [*line, *asked_ids, *line, *answered_ids]
        if len(system_ids) + len(earlier) + len(ids) >= longest:
            break
        text, ids = f"\n{asked}\n{answered}{text}", [*earlier, *ids]
    text = f"{system_text}{text}\n{query_text}\n{IM_START}assistant\n"
    return text, [*system_ids, *ids, *line, *query_ids, *line, start, *encode("assistant"), *line]


QWEN1_IDS = {token: 151643 + place for place, token in enumerate(QWEN1.special)}
"""Control tokens by name."""
