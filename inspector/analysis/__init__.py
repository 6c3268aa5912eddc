"""Pure functions on tensors and traces."""
