"""What the tab of attention is made of."""
