"""CLIP + Qwen: the captioning model that splices picture features into the first-generation Qwen decoder.

    family.py        what Inspector is told: which models these are, how they are put together, what their inputs are
    configuration.py, decoder.py, rotary.py, cache.py, merge.py, model.py
                     the model itself, written for transformers 5
    faithful.py      what the original computes where it is unsound
"""
