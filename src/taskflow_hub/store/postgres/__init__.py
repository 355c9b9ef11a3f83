"""The store on PostgreSQL 14 and later: any number of processes, one truth."""

from taskflow_hub.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
