"""Numbered steps from an empty database to this release's schema; a step that was released never changes."""
