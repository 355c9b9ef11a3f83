"""Alembic's side of the schema. Imported only when a database has to be migrated."""
