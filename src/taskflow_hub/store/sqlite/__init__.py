"""One file, one writer, many readers: the embedded default."""

from taskflow_hub.store.sqlite.schema import check, migrate
from taskflow_hub.store.sqlite.store import SqliteStore
from taskflow_hub.store.sqlite.url import Location, parse_url

__all__ = ["Location", "SqliteStore", "check", "migrate", "parse_url"]
