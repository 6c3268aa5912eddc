"""The keys that go on with a generation, as debuggers have them where they have the same: n, c, b, u, p."""

from __future__ import annotations

from textual.binding import Binding, BindingType

BINDINGS: list[BindingType] = [
    Binding("n,space", "ask('step')", "Step", id="generate.step", tooltip="The next step: recorded, or made now"),
    Binding("c", "ask('run')", "Run", id="generate.run", tooltip="Go on to the end"),
    Binding(
        "K",
        "ask('record')",
        "Record",
        id="generate.record",
        tooltip="Run with the model's calls of every step recorded",
        show=False,
    ),
    Binding("u", "ask('until')", "Until …", id="generate.until", tooltip="Go on until a condition holds", show=False),
    Binding("p", "pause", "Pause", id="generate.pause", tooltip="Let the run end after this step"),
    Binding("x", "cancel", "Stop", id="generate.cancel", tooltip="Stop the step that is being made"),
    Binding("t", "ask('force')", "Force", id="generate.force", tooltip="Take another token, from the table or typed"),
    Binding(
        "w", "ask('what_if')", "What if", id="generate.what_if", tooltip="What other settings would have made of this"
    ),
    Binding(
        "W", "ask('adopt')", "Adopt", id="generate.adopt", tooltip="Make this step anew with those settings", show=False
    ),
    Binding(
        "e",
        "ask('change')",
        "Settings",
        id="generate.change",
        tooltip="Other settings for the steps to come",
        show=False,
    ),
    Binding(
        "backspace", "ask('forget')", "Forget", id="generate.forget", tooltip="Drop the changes that wait", show=False
    ),
    Binding("B", "ask('branch')", "Branch", id="generate.branch", tooltip="Begin a branch after this step", show=False),
    Binding("R", "ask('rename')", "Rename", id="generate.rename", tooltip="Give the branch another name", show=False),
    Binding("d", "compare", "Compare", id="generate.compare", tooltip="Two branches side by side", show=False),
    Binding("F", "ask('forward')", "Calls", id="generate.forward", tooltip="To the model's calls of this step"),
    Binding(
        "v",
        "ask('views')",
        "Views",
        id="generate.views",
        tooltip="The whole generation under all tabs; run again where the model's calls were not recorded",
    ),
    Binding(
        "a", "ask('follow')", "Follow", id="generate.follow", tooltip="Follow any token through the step", show=False
    ),
    Binding("C", "colour", "Colour", id="generate.colour", tooltip="What colours the tokens", show=False),
    Binding(
        "N",
        "ask('start')",
        "New",
        id="generate.start",
        tooltip="Begin a generation with options of your own",
        show=False,
    ),
]
