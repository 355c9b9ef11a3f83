"""The user's face in Python."""

from taskflow_hub.hub.hub import Hub

__all__ = ["Hub"]
