"""From a request to the rows of a batch: for each the text that goes to the tokenizer, with its pictures and videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspector.errors import InputError, near
from inspector.models.images import Picture
from inspector.models.inputs import Message, Request
from inspector.models.mediums import KEYS, Item, Kind, Medium
from inspector.models.videos import Video

Gathered = dict[Kind, list[Item]]

ROLES = ("system", "user", "assistant", "tool", "developer")
"""The roles that chat templates know. Most write any other as it stands, which is seldom what was meant."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the batch. `name` says which one it is, in messages to the user; `messages` is the conversation that
    the chat template wrote `text` from, None where the text stood so.
    """

    name: str
    text: str
    pictures: tuple[Picture, ...] = ()
    videos: tuple[Video, ...] = ()
    messages: Sequence[Mapping[str, Any]] | None = None

    def items(self, kind: Kind) -> tuple[Item, ...]:
        return self.pictures if kind == "image" else self.videos


@dataclass(slots=True)
class Supply:
    """The media that were given beside the prompts, not yet used; `gathered` are those of the row being read."""

    given: Mapping[Kind, Iterator[Item]]
    gathered: Gathered = field(default_factory=dict)


class Reader:
    """Reads requests for one model, which takes some kinds of media."""

    def __init__(self, tokenizer: Any, media: Sequence[Medium]) -> None:
        self.tokenizer = tokenizer
        self.media = media
        self.notices: list[str] = []

    def rows(self, request: Request) -> list[Row]:
        """The rows of a request. Raises `InputError`."""
        if bool(request.prompts) == bool(request.messages):
            raise InputError(
                "A request is either prompts or messages, not both."
                if request.prompts
                else "There is no prompt: give a text (--prompt) or a conversation (--messages)."
            )
        given: dict[Kind, Sequence[Item]] = {}
        for medium in self.media:
            files = request.images if medium.kind == "image" else request.videos
            if files and not medium.words:
                raise InputError(medium.refusal)
            given[medium.kind] = medium.open(files)
        rows = (self._from_messages if request.messages else self._from_prompts)(request, given)
        for row in rows:
            self._check(row, request)
        return rows

    def templated(self, request: Request) -> bool:
        """Whether the chat template writes the text of a request."""
        return not request.raw and self.tokenizer.chat_template is not None

    def _from_prompts(self, request: Request, given: Mapping[Kind, Sequence[Item]]) -> list[Row]:
        for number, prompt in enumerate(request.prompts, start=1):
            if not prompt.strip():
                raise InputError(f"{_name('prompt', number, request.prompts)} is empty; a text was expected.")
        dealt = {medium.kind: self._deal(request, medium, given[medium.kind]) for medium in self.media}
        rows = []
        for place, prompt in enumerate(request.prompts):
            own = {kind: items[place] for kind, items in dealt.items()}
            unwritten = [(medium, len(own[medium.kind])) for medium in self.media if not medium.count(prompt)]
            messages = None
            if self.templated(request):
                parts = [{"type": medium.kind} for medium, count in unwritten for _ in range(count)]
                asked = {"role": "user", "content": [*parts, {"type": "text", "text": prompt}]}
                text, messages = self._render([asked], request.system)
            else:
                text = self._plain(prompt, request, "".join(medium.word * count for medium, count in unwritten))
            rows.append(_row(_name("prompt", place + 1, request.prompts), text, own, messages))
        return rows

    def _deal(self, request: Request, medium: Medium, items: Sequence[Item]) -> list[list[Item]]:
        """The pictures, or videos, of each prompt: all to a single one, as the placeholders say, or one each."""
        rows = len(request.prompts)
        counts = [medium.count(prompt) for prompt in request.prompts]
        if rows == 1:
            counts = [len(items)]
        elif not any(counts):
            counts = [1 if items else 0] * rows
        if sum(counts) != len(items):
            raise InputError(
                f"{len(items)} {medium.plural} cannot be dealt out to {rows} prompts: give one {medium.kind} for each, "
                f"or write {medium.word} into the prompts where each belongs ({sum(counts)} were expected here)."
            )
        supply = iter(items)
        return [[next(supply) for _ in range(count)] for count in counts]

    def _from_messages(self, request: Request, given: Mapping[Kind, Sequence[Item]]) -> list[Row]:
        if self.tokenizer.chat_template is None or request.raw:
            reason = "--raw leaves it out" if request.raw else "this model has none"
            raise InputError(f"Messages need a chat template, and {reason}. Give a prompt instead.")
        supply = Supply({kind: iter(items) for kind, items in given.items()})
        rows = []
        for number, conversation in enumerate(request.messages, start=1):
            name = _name("conversation", number, request.messages)
            supply.gathered = {medium.kind: [] for medium in self.media}
            messages = [self._message(message, name, supply) for message in conversation]
            if not messages:
                raise InputError(f"{name} is empty; a list of messages was expected.")
            if len(request.messages) == 1:  # the text of the messages writes the placeholders of the rest itself
                for kind, items in supply.given.items():
                    supply.gathered[kind].extend(items)
            text, rendered = self._render(messages, request.system)
            rows.append(_row(name, text, supply.gathered, rendered))
        for kind, items in supply.given.items():
            if left := len(list(items)):
                raise InputError(f"{left} of {len(given[kind])} {kind}s belong to no part of a message.")
        return rows

    def _message(self, message: Message, name: str, supply: Supply) -> dict[str, Any]:
        """A message in the form that templates read, its media gathered: those it names, or the next given."""
        if not isinstance(message, Mapping) or "role" not in message:
            raise InputError(f"{name}: a message is an object with `role` and `content`, not {message!r}.")
        role = str(message["role"])
        if role not in ROLES:
            known = f"Chat templates know {', '.join(ROLES)}.{near(role, ROLES)}"
            self._notice(f"{name} has a message with the role {role!r}. {known}")
        if message["role"] == "user" and not message.get("content"):
            raise InputError(f"{name}: the user's message has no `content`; a text or a list of parts was expected.")
        content = message.get("content") or []
        if isinstance(content, str):
            return {**message, "content": [{"type": "text", "text": content}]}
        parts: list[dict[str, Any]] = []
        for part in content:
            if not isinstance(part, Mapping):
                raise InputError(f"{name}: a part of a message is an object with `type`, not {part!r}.")
            medium = next((medium for medium in self.media if medium.is_part(part)), None)
            if medium is not None:
                supply.gathered[medium.kind].append(_item(part, name, medium, supply))
                parts.append({"type": medium.kind})
            elif part.get("type") == "audio":
                raise InputError(f"{name} holds audio; Inspector reads text, images and videos.")
            else:
                parts.append(dict(part))
        return {**message, "content": parts}

    def _render(self, messages: list[dict[str, Any]], system: str | None) -> tuple[str, list[dict[str, Any]]]:
        """What the chat template writes, and of which messages; the turn of the assistant is opened unless the last
        message is theirs.
        """
        import jinja2

        if system is not None:
            if messages[0]["role"] == "system":
                raise InputError("There is a system text (--system) and a system message; give one of them.")
            messages = [{"role": "system", "content": [{"type": "text", "text": system}]}, *messages]
        if not any(medium.words for medium in self.media):
            messages = [{**message, "content": self._flat(message["content"])} for message in messages]
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=messages[-1]["role"] != "assistant"
            )
        except (jinja2.TemplateError, TypeError, KeyError, ValueError) as error:
            raise InputError(f"The model's chat template refuses these messages: {error}") from error
        return str(text), messages

    def _plain(self, prompt: str, request: Request, before: str) -> str:
        """The prompt as it stands. A model without a template gets its media in front."""
        if request.system is not None:
            reason = "--raw leaves it out" if request.raw else "this model has none"
            raise InputError(f"A system text needs a chat template, and {reason}. Write it into the prompt.")
        if request.raw:
            return prompt
        self._notice("This model has no chat template: the prompt goes to the tokenizer as it stands.")
        return before + prompt

    def _check(self, row: Row, request: Request) -> None:
        """As many placeholders as pictures and videos."""
        for medium in self.media:
            count, given = medium.count(row.text), len(row.items(medium.kind))
            if count > given:
                raise InputError(
                    f"{row.name} has {count} placeholders for {medium.things} ({medium.word}) and {given} "
                    f"{medium.plural} were given."
                )
            if count < given:
                how = "with --raw they stand in the text: write" if request.raw else "write"
                raise InputError(
                    f"{given} {medium.plural} were given and {row.name.lower()} has {count} placeholders; {how} "
                    f"{medium.word} where each {medium.kind} belongs."
                )

    def _flat(self, parts: Sequence[Mapping[str, Any]]) -> str:
        """The content of a message as one text, which is what the templates of text models expect."""
        for part in parts:
            if "text" not in part:
                medium = next((medium for medium in self.media if medium.kind == part.get("type")), self.media[0])
                raise InputError(medium.refusal)
        return "".join(str(part["text"]) for part in parts)

    def _notice(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)


def _item(part: Mapping[str, Any], name: str, medium: Medium, supply: Supply) -> Item:
    """The picture or video of a part: the one that it names, or the next that was given."""
    if not medium.words:
        raise InputError(medium.refusal)
    given = next((part[key] for key in KEYS[medium.kind] if part.get(key) is not None), None)
    if isinstance(given, Mapping):
        given = given.get("url")
    if given is not None:
        return medium.open([given.removeprefix("file://") if isinstance(given, str) else given])[0]
    item = next(supply.given[medium.kind], None)
    if item is None:
        raise InputError(f"{name} has more placeholders for {medium.things} than {medium.plural} were given.")
    return item


def _row(name: str, text: str, own: Mapping[Kind, Sequence[Item]], messages: Any) -> Row:
    pictures = tuple(item for item in own.get("image", ()) if isinstance(item, Picture))
    videos = tuple(item for item in own.get("video", ()) if isinstance(item, Video))
    return Row(name, text, pictures, videos, messages)


def _name(kind: str, number: int, among: Sequence[Any]) -> str:
    return f"The {kind}" if len(among) == 1 else f"{kind.capitalize()} {number}"
