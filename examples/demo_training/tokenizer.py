"""A small byte-level BPE tokenizer with Qwen's way of cutting text, and with the control tokens that a model needs.

It is trained on the questions and answers themselves, so that their words become tokens of their own; whatever else is
typed is spelled out in pieces, down to bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from typing import TYPE_CHECKING

from .phrasings import AFTER, ANSWERS, BEFORE, BLIND, CHAT, QUESTIONS
from .questions import NUMBERS, about, loosely
from .scenes import CELLS, COLORS, SHAPES, sample, sample_clip

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 cuts a text before merging."""

QWEN2_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
"""The control tokens of Qwen2 and Qwen2.5-VL, in their order."""

EVERYDAY = "You are a helpful assistant. system user assistant the a of and to in is it that this what can you not no"
"""Words of the chat format, and some that people type."""

SIZE = 768
"""Most tokens, without control tokens."""


def train(
    template: str, special: Sequence[str] = QWEN2_SPECIAL, system: str = EVERYDAY, pad: str = "<|endoftext|>"
) -> PreTrainedTokenizerBase:
    """A tokenizer whose first ids are `SIZE` or fewer pieces of text, then the control tokens `special`.

    `template` is its chat template; `system` is a text whose words become tokens besides those of the questions.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, min_frequency=5, initial_alphabet=alphabet, show_progress=False, special_tokens=[]
    )
    backend.train_from_iterator(texts(system), trainer)
    backend.add_special_tokens(list(special))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|im_end|>",
        pad_token=pad,
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        chat_template=template,
    )


def texts(system: str) -> Iterator[str]:
    """What the vocabulary is made from, the same each time."""
    random = Random(0)
    yield from [system, f"\n{EVERYDAY}\n", "system\n", "user\n", "assistant\n"] * 200
    for words in (AFTER, BEFORE, BLIND, *(part for group in CHAT for part in group)):
        yield from list(words) * 20
    for templates in (*QUESTIONS.values(), *ANSWERS.values()):
        yield from list(templates) * 10
    for word in (*COLORS, *SHAPES, *NUMBERS, *CELLS):
        yield from [word.capitalize(), f" {word}"] * 20
    for color, shape in product(COLORS, SHAPES):
        yield from [f"a {color} {shape}", f"{color.capitalize()} {shape.capitalize()}", f" {color}s {shape}s"] * 10
    for make in (sample, sample_clip) * 400:
        for question in about(make(random), 4, random):
            yield loosely(question.text, random)
            yield random.choice(question.answers)
