"""Imported history, simulated desks and what is shown of them."""
