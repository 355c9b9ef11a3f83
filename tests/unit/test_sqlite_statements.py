"""The SQL files of SQLite: what is put in is put in, and no value stands in a text."""

import sqlite3

import pytest

from taskflow_hub.store.sqlite.schema import VERSIONS, split
from taskflow_hub.store.sqlite.statements import NULL, SQL_NAMES, Statement, size_for, statement


def test_sizes() -> None:
    assert [size_for(n) for n in (1, 2, 3, 4, 5, 8, 9, 500)] == [1, 2, 4, 4, 8, 8, 16, 512]


def test_items_are_repeated() -> None:
    sql = Statement("x", "WITH item (a, b) AS (VALUES /*items*/ (?, ?)) SELECT * FROM item")
    assert sql.sized(3).count("(?, ?)") == 3
    assert sql.sized(3) is sql.sized(3)
    assert len(sql.nothing) == 2


def test_nan_is_null() -> None:
    """What batches are filled up with, and what stands for None in them."""
    connection = sqlite3.connect(":memory:")
    assert connection.execute("SELECT ? IS NULL, typeof(?)", (NULL, NULL)).fetchone() == (1, "null")
    connection.close()


def test_comments_and_includes_are_resolved() -> None:
    for name in SQL_NAMES:
        text = statement(name).text
        assert "--" not in text
        assert "/*task*/" not in text
        assert "{" not in text


@pytest.mark.parametrize("version", VERSIONS.all)
def test_a_version_is_plain_statements(version: str) -> None:
    statements = split(VERSIONS.sql(version))
    assert len(statements) > 1
    assert "".join(statements).strip() == VERSIONS.sql(version).strip()


def test_the_two_task_tables_have_the_same_columns_in_the_same_order() -> None:
    """A finish copies the row as it is."""
    connection = sqlite3.connect(":memory:")
    for version in VERSIONS.all:
        connection.executescript(VERSIONS.sql(version))
    columns = [
        [name for _, name, *_ in connection.execute(f"PRAGMA table_info ({table})")]
        for table in ("tasks", "finished_tasks")
    ]
    connection.close()
    assert columns[0] == columns[1]
    assert len(columns[0]) > 30
