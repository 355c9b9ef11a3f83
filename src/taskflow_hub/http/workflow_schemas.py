"""Answers about workflows that are not already nouns of the domain."""

from msgspec import Struct

from taskflow_hub.domain.workflow_view import ItemView


class ItemPage(Struct, frozen=True):
    items: tuple[ItemView, ...]
    next_cursor: str | None
