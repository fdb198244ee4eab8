"""Writes the definitions as Markdown to standard output."""

from __future__ import annotations

import sys

from projections.metrics.page import page

sys.stdout.write(page())
