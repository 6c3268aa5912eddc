"""What shows the steps of a generation. Each of these takes records of `inspector.trace.steps`, says by messages what
was chosen on it, and knows nothing that could make a step."""
