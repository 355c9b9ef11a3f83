"""The durable truth."""
