"""What Alembic runs: the revisions, on the connection it was given (see run.py)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
