"""The model as the library's decoding loop sees it: the same model, under a class whose few methods tell what happens.

`stepped` makes an instance of a subclass of the model's own class that shares the model's attributes, every one of
them. transformers' loop, run on that instance, is transformers' loop with the model's own overrides; nothing is
attached to the model, and nothing has to be taken off it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from inspector.generation.options import hushed


class Watch(Protocol):
    """What is told while the loop runs."""

    def forward(self, run: Callable[..., Any], inputs: dict[str, Any]) -> Any:
        """Run a forward of the model and return its output."""

    def prefill(self, twin: Any, run: Callable[[], Any], input_ids: Tensor, kwargs: dict[str, Any]) -> Any:
        """The output that the loop starts from: `run()`, or one that stands in for it."""

    def updated(self, kwargs: dict[str, Any]) -> None:
        """The model's arguments, after a forward, for the next one."""

    def between(self, go_on: bool) -> None:
        """A step is complete, if there was one; the loop goes on or not."""

    def drafted(self, before: int, candidates: Tensor) -> None:
        """An assistant proposed what stands beyond the first `before` tokens, i64 [1, tokens]."""

    def picked(self, length: int, prompt_length: int, scores: Tensor, sequences: Tensor, parents: Tensor) -> None:
        """Beam search picked continuations of sequences of `length` tokens, best first: scores f32 [batch, k],
        sequences i64 [batch, k, tokens], parents i32 [batch, k, new tokens], the beams that each came through.
        """

    def running(self, sequences: Tensor, scores: Tensor, parents: Tensor) -> None:
        """The beams that live on, shaped as above with as many as there are beams."""

    def finished(self, stopped: Tensor, scores: Tensor, length_penalty: float) -> None:
        """Which picked continuations a criterion ended, bool [batch, k]; the scores of all finished beams that are
        kept, f32 [batch, beams].
        """


class Stepped:
    """Mixed in before the model's own class."""

    inspected: Any
    watch: Watch

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.watch.forward(lambda **inputs: self.inspected(*args, **inputs), kwargs)

    def get_compiled_call(self, compile_config: Any) -> Callable[..., Any]:
        compiled = self.inspected.get_compiled_call(compile_config)
        return lambda **inputs: self.watch.forward(compiled, inputs)

    def _prefill(self, input_ids: Tensor, generation_config: Any, model_kwargs: dict[str, Any], **options: Any) -> Any:
        def run() -> Any:
            return super(Stepped, self)._prefill(input_ids, generation_config, model_kwargs, **options)  # type: ignore[misc]

        return self.watch.prefill(self, run, input_ids, model_kwargs)

    def _update_model_kwargs_for_generation(self, *args: Any, **options: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super()._update_model_kwargs_for_generation(*args, **options)  # type: ignore[misc]
        self.watch.updated(kwargs)
        return kwargs

    def _has_unfinished_sequences(self, *args: Any, **options: Any) -> bool:
        go_on = bool(super()._has_unfinished_sequences(*args, **options))  # type: ignore[misc]
        self.watch.between(go_on)
        return go_on

    def _get_candidate_generator(self, logits_processor: Any, **options: Any) -> Any:
        from transformers import LogitsProcessorList

        # The assistant works with the library's own list, on the model itself: its loop is not ours to stop.
        plain = LogitsProcessorList(entry.processor for entry in logits_processor.entries)
        generator = self.inspected._get_candidate_generator(logits_processor=plain, **options)
        propose = generator.get_candidates

        def get_candidates(input_ids: Tensor, **given: Any) -> Any:
            with hushed():  # what the assistant's own generate remarks about the options that it is handed
                candidates, logits = propose(input_ids, **given)
            self.watch.drafted(input_ids.shape[1], candidates)
            return candidates, logits

        generator.get_candidates = get_candidates  # the generator is made for this loop alone
        return generator

    def _get_top_k_continuations(self, **options: Any) -> Any:
        picked = super()._get_top_k_continuations(**options)  # type: ignore[misc]
        self.watch.picked(options["cur_len"], options["decoder_prompt_len"], *picked)
        return picked

    def _get_running_beams_for_next_iteration(self, **options: Any) -> Any:
        running = super()._get_running_beams_for_next_iteration(**options)  # type: ignore[misc]
        self.watch.running(*running)
        return running

    def _update_finished_beams(self, **options: Any) -> Any:
        finished = super()._update_finished_beams(**options)  # type: ignore[misc]
        stopped = options["next_token_hits_stopping_criteria"] & options["top_num_beam_mask"][None]
        self.watch.finished(stopped, finished[1], options["length_penalty"])
        return finished


def stepped(model: Any, watch: Watch) -> Any:
    """`model` as one that tells `watch` what the loop does with it. Both share their attributes."""
    kind = type(model)
    twin_class = type(
        kind.__name__, (Stepped, kind), {"inspected": model, "watch": watch, "__module__": kind.__module__}
    )
    twin: Any = object.__new__(twin_class)
    object.__setattr__(twin, "__dict__", model.__dict__)
    return twin
