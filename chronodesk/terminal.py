"""terminal: where does text for people go? Plain lines when nobody sits there."""

from __future__ import annotations

from rich.console import Console

console = Console()
errors = Console(stderr=True)
BAR = 24


def say(text: str, style: str | None = None) -> None:
    """One line on stdout."""
    console.print(plain(text), style=style, markup=False, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Text of unknown origin, made harmless to a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def bar(n: float, most: float) -> str:
    """A bar in eighths; something is never shown as nothing."""
    eighths = round(n * BAR * 8 / most) if n > 0 < most else 0
    if n > 0 and not eighths:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
