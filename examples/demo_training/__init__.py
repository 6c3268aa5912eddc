"""How the bundled demo models are made: scenes, questions, a tokenizer, a training loop and an evaluation."""
