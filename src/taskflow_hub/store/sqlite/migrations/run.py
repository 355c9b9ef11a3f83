"""Runs Alembic's revisions on the connection we already hold, inside its transaction: a migration is all or nothing."""

import sqlite3
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from taskflow_hub.store.sqlite.schema import split, version_sql


def upgrade(connection: sqlite3.Connection, target: str = "head") -> None:
    """From whatever version the file has to `target`. The caller has begun a transaction; here it is committed."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as ours:
        config.attributes["connection"] = ours
        command.upgrade(config, target)
        ours.commit()


def execute_version(version: str) -> None:
    """What a revision does: its SQL file, statement by statement."""
    for sql in split(version_sql(version)):
        op.get_bind().exec_driver_sql(sql)
