"""What is said where a key that steps through something is at its end."""

from __future__ import annotations

from textual.widget import Widget


def say_end(widget: Widget, name: str, by: int) -> None:
    """Say that there is no `name` after this one, or before it. It takes the place of what was said before."""
    widget.app.clear_notifications()
    widget.notify(f"There is no {name} {'after' if by > 0 else 'before'} this one.", timeout=2, markup=False)
