"""terminal: where does text for people go? Plain lines when nobody sits there."""

from __future__ import annotations

from rich.console import Console

console = Console()
errors = Console(stderr=True)
