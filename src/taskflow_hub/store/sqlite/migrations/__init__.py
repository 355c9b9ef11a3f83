"""Alembic's side of the schema. Imported only when a file has to be migrated."""
