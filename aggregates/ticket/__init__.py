"""Ticket: what can happen to it, what it remembers, what may be asked of it, and what it allows."""
