"""Widgets of the terminal program. Each owns its CSS, bindings and messages; none of them loads a model or runs one."""
