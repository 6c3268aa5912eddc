"""Tab 5: a generation, step by step."""
