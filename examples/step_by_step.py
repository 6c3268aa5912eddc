"""A generation step by step: what every logits processor did, another token forced, and the two continuations.

A small random Qwen2 that speaks in bytes stands for the model that you have.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import Qwen2Config, Qwen2ForCausalLM

import inspector

with TemporaryDirectory() as folder:
    size = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Qwen2Config(vocab_size=256, num_key_value_heads=2, eos_token_id=None, **size)
    Qwen2ForCausalLM(config).save_pretrained(folder)
    inspector.byte_tokenizer({}).save_pretrained(folder)
    session = inspector.load(Path(folder))

generation = session.generate(
    "Where is it?", raw=True, max_new_tokens=6, do_sample=True, temperature=0.7, top_k=20, seed=1
)
for step in generation:
    cut = step.processors["top_k"]
    print(f"{step.index}: {step.text!r:8} rank {step.chosen.rank:2}; top_k removed {cut.removed}, kept {cut.kept}")

generation.go(2)
print("what if it were colder:", generation.what_if(temperature=0.1)["temperature"].entropy)
generation.force("P")
generation.set(temperature=0.1)
generation.run()
for name, branch in generation.tree.items():
    print(name, branch.ids[0], f"log p {branch.log_probabilities()[0]:.1f}")
print("they part at step", generation.compare("main", "branch 1").first)
