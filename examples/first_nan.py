"""Which module makes the first NaN, apart from all those that pass it on.

A small random Llama stands for the model that you have; a weight of its second layer is broken on purpose.
"""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

import inspector


def is_broken(value: object) -> bool:
    """Whether what stands at a port is a tensor with a nan or an infinity in it."""
    stats = getattr(value, "stats", None)
    return stats is not None and stats.nan + stats.inf > 0


def first_broken(trace: inspector.Trace) -> inspector.Call | None:
    """The innermost call whose inputs were still finite and whose output was not."""
    guilty = [
        call
        for call in trace.calls
        if any(map(is_broken, call.outputs.values())) and not any(map(is_broken, call.inputs.values()))
    ]
    return max(guilty, key=lambda call: call.depth, default=None)


config = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=4, vocab_size=100)
model = LlamaForCausalLM(config)
model.model.layers[1].mlp.up_proj.weight.data[3, 5] = float("inf")

with inspector.capture(model, stats=True) as trace, torch.no_grad():
    model(torch.arange(8)[None])

broken = [call for call in trace.calls if any(map(is_broken, call.outputs.values()))]
guilty = first_broken(trace)
print(f"{len(broken)} of {len(trace.calls)} calls put out nan or inf")
print(f"the first is {guilty.path}" if guilty else "none")
