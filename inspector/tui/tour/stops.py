"""What the tour shows. A further stop is an entry in `STOPS`.

In a text, {tab.tokens} becomes the key of the action with that id, as the reader has it in their keymap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ACTION = re.compile(r"\{([a-z_.0-9]+)\}")

TARGET = "demo:qwen2.5-vl"
"""The model of the tour, which is asked its own example."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the tour: `actions`, ids of bindings, lead there, once the model has `answered` where that is needed.

    `pressed` are keys that the text invites to. On the page of the tour the picture is taken after them.
    """

    title: str
    text: str
    actions: tuple[str, ...] = ()
    pressed: tuple[str, ...] = ()
    answered: bool = False

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The text in pieces: words, and the ids of actions, which are marked by True."""
        for number, piece in enumerate(ACTION.split(self.text)):
            yield piece, bool(number % 2)


STOPS = (
    Stop(
        "A forward pass",
        "A small trained Qwen2.5-VL was asked what is in a picture. The calls are the modules that ran, in order, with "
        "the shapes they returned. {list.down} and {list.up} move; beside them stands the tensor of the call under the "
        "cursor: its values, where it comes from ({forward.producer}) and where it goes ({forward.consumer}).",
        ("tab.forward",),
        ("G", "k", "k", "k"),
    ),
    Stop(
        "Tokens and positions",
        "The picture is 16 placeholder tokens among the text. Under M-RoPE each has a position in time, height and "
        "width: {positions.place} shows them on the picture, {positions.told} explains how they come about. The text "
        "goes on behind the picture's longer side, which is why the rope delta is negative: positions grow more slowly "
        "than tokens.",
        ("tab.tokens",),
        ("down", "down", "down", "right", "a"),
    ),
    Stop(
        "Masks",
        "Which keys each query could see, as the kernel really had it. The decoder is causal. Of the vision blocks, "
        "some look within windows and some everywhere. {masks.mask_before} and {masks.mask} go from mask to mask; the "
        "words below the picture of one say why the cell under the cursor is seen or not.",
        ("tab.masks",),
        ("p", "p"),
    ),
    Stop(
        "Attention, on the picture",
        "Meanwhile the model has answered. The query is the last colour word of its answer; {flow.left} and "
        "{flow.right} choose another. The brighter a patch, the more this head looks at it. {attention.layer} and "
        "{attention.layer_before} go through the layers, {attention.head} through the heads; a low entropy finds heads "
        "that look at one thing. {attention.tower} shows the vision tower's own attention.",
        (
            *("tab.generate", "generate.views", "tab.attention"),
            *("flow.last", "flow.left", "flow.left"),
            *(*["attention.layer_before"] * 4, "attention.average", "attention.head"),
        ),
        answered=True,
    ),
    Stop(
        "A step at a time",
        "The answer as a strip of tokens. The table shows a step: each column is a logits processor, each row a "
        "token with its probability. Here the model hesitates between ways to begin; a temperature of nearly 0 makes "
        "the first one certain. {generate.step} steps forward, {steps.back} back, {generate.run} runs.",
        ("tab.generate", "flow.first"),
        answered=True,
    ),
    Stop(
        "What if",
        "{generate.what_if} asks what other settings would have made of this step, without running the model: type 1 "
        "as the temperature and press enter. The last column and the bars show what would have been drawn from. "
        "{generate.change} sets it for the steps to come.",
        ("tab.generate", "flow.first"),
        ("w", "1", "enter"),
        answered=True,
    ),
    Stop(
        "Force a token, and branch",
        "{generate.force} takes another token in place of this one: choose one, press enter, then {generate.run}. What "
        "was there stays: the new text is a branch, made from the cropped KV cache. {generate.compare} puts two "
        "branches side by side, {generate.forward} goes to the model's calls of a step.",
        ("tab.generate", "flow.first"),
        ("t", "down", "down", "enter", "c"),
        answered=True,
    ),
    Stop(
        "Your turn",
        "{trace.ask} asks something else, {trace.launcher} opens another model: a directory, the hub, or a published "
        "architecture without its weights. {trace.help} explains any screen, and the palette lists every action. "
        "What you see here, `inspector view` prints and Python returns.",
    ),
)
