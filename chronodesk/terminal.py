"""terminal: where does text for people go? Plain lines when nobody sits there."""

from __future__ import annotations

from rich.console import Console

console = Console()
errors = Console(stderr=True)


def say(text: str, style: str | None = None) -> None:
    """One line on stdout."""
    console.print(plain(text), style=style, markup=False, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Text of unknown origin, made harmless to a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
