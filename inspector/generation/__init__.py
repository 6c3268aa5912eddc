"""A generation step by step: transformers' own decoding loops, pulled, recorded, changed and branched."""
