"""Mappings of known logs, by name."""
