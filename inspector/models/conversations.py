"""From a request to the rows of a batch: for each the text that goes to the tokenizer, and its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.errors import InputError
from inspector.models.images import Picture, open_pictures
from inspector.models.inputs import Message, Request

IMAGE_KEYS = ("image", "path", "url", "image_url")
"""Where a part of a message may name its picture, in the spellings that chat formats use."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the batch. `name` says which one it is, in messages to the user."""

    name: str
    text: str
    pictures: tuple[Picture, ...] = ()


class Reader:
    """Reads requests for one model.

    `placeholders` are the words that stand for a picture in its prompts; none where pictures cannot be encoded, which
    `refusal` then explains.
    """

    def __init__(self, tokenizer: Any, placeholders: Sequence[str], refusal: str) -> None:
        self.tokenizer = tokenizer
        self.placeholders = tuple(placeholders)
        self.refusal = refusal
        self.notices: list[str] = []

    def rows(self, request: Request) -> list[Row]:
        """The rows of a request. Raises `InputError`."""
        if bool(request.prompts) == bool(request.messages):
            raise InputError(
                "A request is either prompts or messages, not both."
                if request.prompts
                else "There is no prompt: give a text (--prompt) or a conversation (--messages)."
            )
        if request.images and not self.placeholders:
            raise InputError(self.refusal)
        pictures = open_pictures(request.images)
        read = self._from_messages if request.messages else self._from_prompts
        rows = read(request, pictures)
        for row in rows:
            self._check(row, request)
        return rows

    def templated(self, request: Request) -> bool:
        """Whether the chat template writes the text of a request."""
        return not request.raw and self.tokenizer.chat_template is not None

    def _from_prompts(self, request: Request, pictures: list[Picture]) -> list[Row]:
        for number, prompt in enumerate(request.prompts, start=1):
            if not prompt.strip():
                raise InputError(f"{_name('prompt', number, request.prompts)} is empty; a text was expected.")
        dealt = self._deal(request, pictures)
        rows = []
        for number, (prompt, own) in enumerate(zip(request.prompts, dealt, strict=True), start=1):
            written = self._count(prompt) > 0
            if self.templated(request):
                parts = [*([] if written else [{"type": "image"}] * len(own)), {"type": "text", "text": prompt}]
                text = self._render([{"role": "user", "content": parts}], request.system)
            else:
                text = self._plain(prompt, request, 0 if written else len(own))
            rows.append(Row(_name("prompt", number, request.prompts), text, tuple(own)))
        return rows

    def _deal(self, request: Request, pictures: list[Picture]) -> list[list[Picture]]:
        """The pictures of each prompt: all to a single one, as the placeholders say, or one each."""
        rows = len(request.prompts)
        counts = [self._count(prompt) for prompt in request.prompts]
        if rows == 1:
            counts = [len(pictures)]
        elif not any(counts):
            counts = [1 if pictures else 0] * rows
        if sum(counts) != len(pictures):
            raise InputError(
                f"{len(pictures)} images cannot be dealt out to {rows} prompts: give one image for each, or write "
                f"{self._word()} into the prompts where each belongs ({sum(counts)} were expected here)."
            )
        supply = iter(pictures)
        return [[next(supply) for _ in range(count)] for count in counts]

    def _from_messages(self, request: Request, pictures: list[Picture]) -> list[Row]:
        if self.tokenizer.chat_template is None or request.raw:
            reason = "--raw leaves it out" if request.raw else "this model has none"
            raise InputError(f"Messages need a chat template, and {reason}. Give a prompt instead.")
        supply = iter(pictures)
        rows = []
        for number, conversation in enumerate(request.messages, start=1):
            name = _name("conversation", number, request.messages)
            own: list[Picture] = []
            messages = [_message(message, name, own, supply) for message in conversation]
            if not messages:
                raise InputError(f"{name} is empty; a list of messages was expected.")
            rows.append(Row(name, self._render(messages, request.system), tuple(own)))
        left = len(list(supply))
        if left and len(rows) == 1:  # the text of the messages writes the placeholders itself
            rows = [Row(rows[0].name, rows[0].text, (*rows[0].pictures, *pictures[-left:]))]
        elif left:
            raise InputError(f"{left} of {len(pictures)} images belong to no part of a message.")
        return rows

    def _render(self, messages: list[dict[str, Any]], system: str | None) -> str:
        """What the chat template writes; the turn of the assistant is opened unless the last message is theirs."""
        import jinja2

        if system is not None:
            if messages[0]["role"] == "system":
                raise InputError("There is a system text (--system) and a system message; give one of them.")
            messages = [{"role": "system", "content": [{"type": "text", "text": system}]}, *messages]
        if not self.placeholders:
            messages = [{**message, "content": self._flat(message["content"])} for message in messages]
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=messages[-1]["role"] != "assistant"
            )
        except (jinja2.TemplateError, TypeError, KeyError, ValueError) as error:
            raise InputError(f"The model's chat template refuses these messages: {error}") from error
        return str(text)

    def _plain(self, prompt: str, request: Request, pictures: int) -> str:
        """The prompt as it stands. A model without a template gets its pictures in front."""
        if request.system is not None:
            reason = "--raw leaves it out" if request.raw else "this model has none"
            raise InputError(f"A system text needs a chat template, and {reason}. Write it into the prompt.")
        if request.raw:
            return prompt
        self._notice("This model has no chat template: the prompt goes to the tokenizer as it stands.")
        return self._word() * pictures + prompt

    def _check(self, row: Row, request: Request) -> None:
        """As many placeholders as pictures."""
        count, given = self._count(row.text), len(row.pictures)
        if count > given:
            raise InputError(
                f"{row.name} has {count} placeholders for pictures ({self._word()}) and {given} images were given."
            )
        if count < given:
            how = "with --raw they stand in the text: write" if request.raw else "write"
            raise InputError(
                f"{given} images were given and {row.name.lower()} has {count} placeholders; {how} {self._word()} "
                "where each picture belongs."
            )

    def _flat(self, parts: Sequence[Mapping[str, Any]]) -> str:
        """The content of a message as one text, which is what the templates of text models expect."""
        if any("text" not in part for part in parts):
            raise InputError(self.refusal)
        return "".join(str(part["text"]) for part in parts)

    def _count(self, text: str) -> int:
        return next((count for word in self.placeholders if (count := text.count(word))), 0)

    def _word(self) -> str:
        return self.placeholders[0] if self.placeholders else ""

    def _notice(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)


def _message(message: Message, name: str, own: list[Picture], supply: Iterator[Picture]) -> dict[str, Any]:
    """A message in the form that templates read, its pictures gathered in `own`: those it names, or the next given."""
    if not isinstance(message, Mapping) or "role" not in message:
        raise InputError(f"{name}: a message is an object with `role` and `content`, not {message!r}.")
    content = message.get("content") or []
    if isinstance(content, str):
        return {**message, "content": [{"type": "text", "text": content}]}
    parts: list[dict[str, Any]] = []
    for part in content:
        if not isinstance(part, Mapping):
            raise InputError(f"{name}: a part of a message is an object with `type`, not {part!r}.")
        if part.get("type") in ("image", "image_url") or ("type" not in part and "image" in part):
            own.append(_picture(part, name, supply))
            parts.append({"type": "image"})
        elif part.get("type") in ("video", "audio"):
            raise InputError(f"{name} holds {part['type']}; Inspector reads text and images.")
        else:
            parts.append(dict(part))
    return {**message, "content": parts}


def _picture(part: Mapping[str, Any], name: str, supply: Iterator[Picture]) -> Picture:
    given = next((part[key] for key in IMAGE_KEYS if part.get(key) is not None), None)
    if isinstance(given, Mapping):
        given = given.get("url")
    if given is not None:
        return open_pictures([given.removeprefix("file://") if isinstance(given, str) else given])[0]
    picture = next(supply, None)
    if picture is None:
        raise InputError(f"{name} has more placeholders for pictures than images were given.")
    return picture


def _name(kind: str, number: int, among: Sequence[Any]) -> str:
    return f"The {kind}" if len(among) == 1 else f"{kind.capitalize()} {number}"
