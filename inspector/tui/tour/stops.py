"""What the tour shows. A further stop is an entry in `STOPS`.

In a text, {tab.tokens} becomes the key of the action with that id, as the reader has it in their keymap.
"""

from __future__ import annotations

from dataclasses import dataclass

TARGET = "demo:qwen2.5-vl"
"""The model of the tour, which is asked its own example."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the tour: `actions`, ids of bindings, lead there; `tries` are those that the text invites to.

    The page of the tour is pictured after both.
    """

    title: str
    text: str
    actions: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()


STOPS = (
    Stop(
        "A forward pass",
        "A small trained model was asked about a picture, and every module that ran is listed in the middle, in order, "
        "with the shape that it returned. {list.down} and {list.up} move, {list.open} goes into a call. On the right "
        "stands what is under the cursor: its tensor, where it comes from and where it goes.",
        ("tab.forward",),
    ),
    Stop(
        "Tokens",
        "The picture became placeholder tokens between <|vision_start|> and <|vision_end|>; the vision tower's "
        "features take their places. Beside each token stands its position.",
        ("tab.tokens",),
    ),
)
