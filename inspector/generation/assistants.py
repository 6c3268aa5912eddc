"""A draft model beside the model: whether the two speak of the same tokens."""

from __future__ import annotations

from typing import Any

from inspector.errors import InputError


def check_assistant(model: Any, tokenizer: Any, assistant: Any, assistant_tokenizer: Any, *, translated: bool) -> None:
    """Raise `InputError` where a draft model's tokens are not the model's own, unless they are `translated`.

    The tokenizers may be None where they are not known; then sizes alone are compared.
    """
    size, other = (int(one.config.get_text_config().vocab_size) for one in (model, assistant))
    advice = (
        "An assistant must have been trained with the same tokenizer; give assistant_tokenizer to let transformers "
        "translate between the two (slower, and only where the texts allow it)."
    )
    if size != other:
        if not translated:
            raise InputError(
                f"The assistant has another vocabulary: {other:,} tokens, where the model has {size:,}. {advice}"
            )
        return
    if translated:
        raise InputError("The assistant has the model's own vocabulary: leave assistant_tokenizer out.")
    if tokenizer is None or assistant_tokenizer is None:
        return
    token = _first_difference(tokenizer.get_vocab(), assistant_tokenizer.get_vocab())
    if token is not None:
        mine, its = (one.convert_ids_to_tokens(token) for one in (tokenizer, assistant_tokenizer))
        raise InputError(
            f"The assistant has another vocabulary of the same size: token {token} is {its!r} there and {mine!r} here. "
            "An assistant must have been trained with the same tokenizer."
        )


def _first_difference(mine: dict[str, int], its: dict[str, int]) -> int | None:
    """The lowest id that stands for another token, None where there is none."""
    if mine == its:
        return None
    differing = [token for text, token in its.items() if mine.get(text) != token]
    return min(differing, default=None)
