"""Alembic, which brings an older database to our version. Imported only when there is one.

It renders what is to be done as text, and the store executes that on the connection and in the transaction it has: so what
`taskflow db sql` prints is what `taskflow db migrate` does, and neither needs an SQLAlchemy engine for the driver.
"""

from io import StringIO
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import text


def render(migrations: Path, start: str | None) -> str:
    """The SQL of every revision after `start` (None: of all), and what writes the version down."""
    said = StringIO()
    config = Config(output_buffer=said)
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, f"{start or 'base'}:head", sql=True)
    return said.getvalue()


def configure(dialect: str, version_table: str) -> None:
    """What env.py says."""
    context.configure(
        dialect_name=dialect,
        dialect_opts={"paramstyle": "named"},  # another one would double each %
        version_table=version_table,
        transactional_ddl=False,  # the transaction is the caller's
    )
    context.run_migrations()


def execute(script: str) -> None:
    """What a revision does: its SQL file."""
    op.execute(text(script.strip().removesuffix(";").replace(":", r"\:")))
