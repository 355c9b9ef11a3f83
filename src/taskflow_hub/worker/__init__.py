"""Runs handlers. It never sees the store: what it needs from the engine it asks through the broker."""
