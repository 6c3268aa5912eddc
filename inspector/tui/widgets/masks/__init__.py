"""What the tab of masks is made of."""
