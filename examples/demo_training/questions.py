"""Questions about scenes with every answer that counts as right."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from random import Random

from .phrasings import AFTER, ANSWERS, BEFORE, BLIND, CHAT, QUESTIONS
from .scenes import CELLS, COLORS, SHAPES, Scene, Thing

ABOUT_PICTURES = {"caption": 1.0, "shape": 1.0, "color": 1.0, "where": 1.4, "at": 1.2, "count": 1.0, "exists": 1.0}
"""Kinds of questions about pictures, and how often each is asked beside the caption."""
ABOUT_CLIPS = ("moves", "what moves", "was", "is now")

NUMBERS = ("none", "one", "two", "three")
PLACES = {
    **{cell: f"at the {cell}" for cell in CELLS},
    "left": "on the left",
    "right": "on the right",
    "center": "in the center",
}

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of some kind, and the answers that are right; `text` is what is asked."""

    kind: str
    text: str
    answers: tuple[str, ...]


def ask(scene: Scene, kind: str, random: Random) -> Question:
    """A question of that kind about a scene; of another where it would be ambiguous."""
    wording, templates, fields = ASKING[kind](scene, random)
    text = filled(random.choice(QUESTIONS[wording]), fields)
    if wording == "caption":
        answers = [answer for order in permutations(scene.things) for answer in _captions(order)]
    else:
        answers = [filled(template, fields) for template in ANSWERS[templates]]
    return Question(wording, text, tuple(dict.fromkeys(answers)))


def about(scene: Scene, number: int, random: Random) -> list[Question]:
    """So many questions about a scene: first for a caption, then of kinds drawn by chance."""
    if scene.target is not None:
        return [ask(scene, random.choice(ABOUT_CLIPS), random) for _ in range(number)]
    kinds = random.choices(list(ABOUT_PICTURES), list(ABOUT_PICTURES.values()), k=number - 1)
    return [ask(scene, kind, random) for kind in ("caption", *kinds)]


def chat(random: Random, scene: Scene) -> Question:
    """A prompt that comes without a picture: small talk, or a question that needs one."""
    if random.random() < 0.5:
        kind = random.choice(list(ABOUT_PICTURES))
        return Question("text", ask(scene, kind, random).text, BLIND)
    asked, answers = random.choice(CHAT)
    return Question("text", random.choice(asked), answers)


def loosely(text: str, random: Random) -> str:
    """The same question as people type it: without a capital or a mark at the end, with a remark before or after."""
    if random.random() < 0.12:
        text = text.rstrip("?.!")
    if random.random() < 0.12:
        text = text[0].lower() + text[1:]
    if random.random() < 0.08:
        text = f"{random.choice(BEFORE)} {text}"
    if random.random() < 0.06:
        text = f"{text} {random.choice(AFTER)}"
    return text


def filled(template: str, fields: Fields) -> str:
    """A template with its fields; those that begin with a capital letter begin a sentence."""
    capitals = {name[0].upper() + name[1:]: value[0].upper() + value[1:] for name, value in fields.items()}
    return template.format(**fields, **capitals)


def article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def listed(things: tuple[str, ...]) -> str:
    """ "a, b and c"."""
    return " and ".join(part for part in (", ".join(things[:-1]), things[-1]) if part)


def _captions(order: tuple[Thing, ...]) -> list[str]:
    fields = {"list": listed(tuple(article(" ".join(thing.kind)) for thing in order))}
    return [filled(template, fields) for template in ANSWERS["caption"]]


def _of(thing: Thing) -> Fields:
    words = " ".join(thing.kind)
    return {
        "color": thing.color,
        "shape": thing.shape,
        "a_color": article(thing.color),
        "a_shape": article(thing.shape),
        "thing": article(words),
        "the": f"the {words}",
        "cell": thing.cell,
        "place": PLACES[thing.cell],
    }


Asked = tuple[str, str, Fields]
"""Which questions, which answers, and what stands in their fields."""


def _caption(scene: Scene, random: Random) -> Asked:
    return "caption", "caption", {}


def _shape(scene: Scene, random: Random) -> Asked:
    thing = _single(scene, "color", random)
    return ("shape", "shape", _of(thing)) if thing else _at(scene, random)


def _color(scene: Scene, random: Random) -> Asked:
    thing = _single(scene, "shape", random)
    return ("color", "color", _of(thing)) if thing else _where(scene, random)


def _single(scene: Scene, trait: str, random: Random) -> Thing | None:
    """A thing whose colour, or shape, no other has."""
    traits = [getattr(thing, trait) for thing in scene.things]
    single = [thing for thing in scene.things if traits.count(getattr(thing, trait)) == 1]
    return random.choice(single) if single else None


def _where(scene: Scene, random: Random) -> Asked:
    thing = random.choice(scene.things)
    fields = _of(thing)
    if random.random() < 0.25 and sum(other.shape == thing.shape for other in scene.things) == 1:
        fields["the"] = f"the {thing.shape}"
    return "where", "where", fields


def _at(scene: Scene, random: Random) -> Asked:
    if random.random() < 0.8:
        return "at", "at", _of(random.choice(scene.things))
    cell = random.choice([cell for cell in CELLS if cell not in {thing.cell for thing in scene.things}])
    return "at", "nothing", {"place": PLACES[cell], "cell": cell}


def _count(scene: Scene, random: Random) -> Asked:
    choice = random.random()
    if choice < 0.5:
        kind, number = random.choice(("shape", "shape", "object", "thing")), len(scene.things)
    elif choice < 0.8:
        kind = random.choice([*(thing.shape for thing in scene.things), random.choice(SHAPES)])
        number = sum(thing.shape == kind for thing in scene.things)
    else:
        color = random.choice([*(thing.color for thing in scene.things), random.choice(COLORS)])
        kind, number = f"{color} shape", sum(thing.color == color for thing in scene.things)
    return "count", "count", {"kind": kind, "number": NUMBERS[number], "are": "is" if number == 1 else "are"}


def _exists(scene: Scene, random: Random) -> Asked:
    """Half of them are there; of those that are not, most share a colour or a shape with one that is."""
    thing = random.choice(scene.things)
    present = random.random() < 0.5
    color, shape = thing.kind
    while not present and (color, shape) in {thing.kind for thing in scene.things}:
        color = random.choice([thing.color, random.choice(COLORS)])
        shape = random.choice([*(other.shape for other in scene.things), random.choice(SHAPES)])
    bare = f"{color} {shape}"
    if random.random() < 0.3:
        bare = shape
        present = shape in {thing.shape for thing in scene.things}
    return "exists", "yes" if present else "no", {"kind": article(bare), "bare": bare}


def _moves(scene: Scene, random: Random) -> Asked:
    return "moves", "moves", _moved(scene)


def _what_moves(scene: Scene, random: Random) -> Asked:
    return "what moves", "what moves", _moved(scene)


def _was(scene: Scene, random: Random) -> Asked:
    return "was", "was", _moved(scene)


def _is_now(scene: Scene, random: Random) -> Asked:
    assert scene.target is not None
    return "is now", "is now", _of(scene.target)


def _moved(scene: Scene) -> Fields:
    start, end = scene.things[0], scene.target
    assert end is not None
    return {**_of(start), "from": f"the {start.cell}", "to": f"the {end.cell}"}


ASKING = {
    "caption": _caption,
    "shape": _shape,
    "color": _color,
    "where": _where,
    "at": _at,
    "count": _count,
    "exists": _exists,
    "moves": _moves,
    "what moves": _what_moves,
    "was": _was,
    "is now": _is_now,
}
