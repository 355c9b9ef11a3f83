"""A hub of tomorrow has migrated the database: those that run go on, those that start refuse, and say what to do."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess
from tests.support.next_version import NEXT
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer

from taskflow_hub.store.transfer import TABLES as TRANSFERRED

# What tomorrow brings: a column in every table, at its end.
TABLES = [table.name for table in TRANSFERRED]
ADDED = [f"ALTER TABLE {name} ADD COLUMN added text NOT NULL DEFAULT 'x'" for name in TABLES]


def work(hub: HubProcess) -> None:
    """A little of everything."""
    assert hub.final(hub.submit("demo.noop", tags=["x"])["id"])["status"] == "success"
    retried = hub.final(hub.submit("demo.fail", {"times": 1}, retry={"kind": "fixed", "base": 0})["id"])
    assert (retried["status"], retried["retry_count"]) == ("success", 1)
    failed = hub.final(hub.submit("demo.fail", max_retries=0)["id"])
    assert hub.post(f"/tasks/{failed['id']}/redrive").status_code == 200
    assert hub.final(failed["id"])["status"] == "failed"
    waits = hub.submit("nobody.knows", delay=60)["id"]
    assert hub.post(f"/tasks/{waits}/cancel").status_code == 200
    assert hub.client.delete(f"/tasks/{waits}").status_code == 200
    assert hub.post("/queues/other/pause").status_code == 200
    assert len(hub.get("/tasks?tag=x").json()["items"]) >= 1


def test_a_newer_schema(tmp_path: Path, database_url: str, request: pytest.FixtureRequest) -> None:
    environ = {"TASKFLOW_DATABASE_URL": database_url}
    with HubProcess(tmp_path, environ=environ) as hub:
        work(hub)  # so that its statements are prepared
        if database_url.startswith("sqlite"):
            with sqlite3.connect(tmp_path / "taskflow.db") as file:
                file.execute(f"UPDATE alembic_version SET version_num = '{NEXT}'")
                for statement in ADDED:
                    file.execute(statement)
            file.close()
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            database = database_url.rpartition("/")[2]
            server.run(f"UPDATE taskflow_version SET version_num = '{NEXT}'", database)
            for statement in ADDED:
                server.run(statement, database)

        assert hub.get("/readyz").status_code == 200
        work(hub)

        started = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", "up", "--port", str(free_port())],
            cwd=tmp_path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert started.returncode == 5
        assert f"has schema {NEXT}, which is newer than this program" in started.stderr
        assert "update TaskFlow Hub" in started.stderr
        assert "Traceback" not in started.stderr
        assert hub.terminate() == 0
