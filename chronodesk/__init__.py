"""chronodesk: the front door. CLI, settings, and the local runner."""
