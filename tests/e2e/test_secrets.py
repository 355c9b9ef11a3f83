"""Secret fields in the running product: the handler is given them, and they are nowhere to be found on the way."""

import base64
import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from redis import Redis
from tests.e2e.secrets_app import digest
from tests.support.grounds import REDIS, Ground
from tests.support.hub_process import HubProcess, hub_on
from tests.support.stores import STORES

APP = "secrets_app:hub"
MASK = {"$secret": True}
pytestmark = pytest.mark.parametrize("ground", [*STORES, REDIS], indirect=True)


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def environ(*keys: str) -> dict[str, str]:
    found = {
        "PYTHONPATH": str(Path(__file__).parent),
        "TASKFLOW_WORKER_GRACE": "2",
        "TASKFLOW_LOG_LEVEL": "debug",
    }
    return found | ({"TASKFLOW_SECRETS_KEYS": ",".join(keys)} if keys else {})


class Place:
    """Everything that a hub writes: its database, whatever goes through Redis, its log."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground, self.folder = ground, folder
        self.heard: list[str] = []

    def dump(self) -> str:
        """Every row of every table, as text; of SQLite also the files as they are."""
        if self.ground.database_url.startswith("postgres"):
            with psycopg.connect(self.ground.database_url) as connection:
                tables = connection.execute(
                    "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'"
                ).fetchall()
                return "\n".join(
                    row[0]
                    for (table,) in tables
                    for row in connection.execute(f"SELECT CAST(t AS text) FROM {table} AS t").fetchall()
                )
        files = [
            one.read_bytes().decode(errors="replace")
            for one in Path(self._file).parent.glob("taskflow.db*")
            if one.is_file()
        ]
        with contextlib.closing(sqlite3.connect(self._file)) as connection:
            return "\n".join([*files, *connection.iterdump()])

    def stored(self, task_id: str) -> str:
        """The payload of a task, as it is in the database."""
        if self.ground.database_url.startswith("postgres"):
            with psycopg.connect(self.ground.database_url) as connection:
                row = connection.execute("SELECT payload FROM tasks WHERE id = %s", (task_id,)).fetchone()
        else:
            with contextlib.closing(sqlite3.connect(self._file)) as database:
                row = database.execute(
                    "SELECT payload FROM payloads WHERE task_id = ?", (task_id,)
                ).fetchone()
        assert row is not None
        return str(row[0])

    def change(self, task_id: str, payload: str) -> None:
        """By hand."""
        if self.ground.database_url.startswith("postgres"):
            with psycopg.connect(self.ground.database_url) as connection:
                connection.execute("UPDATE tasks SET payload = %s WHERE id = %s", (payload, task_id))
            return
        with contextlib.closing(sqlite3.connect(self._file, timeout=30)) as database, database:
            database.execute("UPDATE payloads SET payload = ? WHERE task_id = ?", (payload, task_id))

    @property
    def _file(self) -> str:
        return self.ground.database_url.removeprefix("sqlite:///")

    # --- Redis: all that is said to it

    def __enter__(self) -> Self:
        if self.ground.broker_url != "local":
            self._client: Any = Redis.from_url(self.ground.broker_url, socket_timeout=None)
            self._monitor = self._client.monitor().__enter__()  # type: ignore[no-untyped-call]
            self._listener = threading.Thread(target=self._listen, daemon=True)
            self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.ground.broker_url != "local":
            if self._listener.is_alive():
                self.all_heard()
            self._monitor.__exit__(None, None, None)
            self._client.close()

    def _listen(self) -> None:
        for said in self._monitor.listen():
            self.heard.append(said["command"])
            if said["command"] == "ECHO the end":
                return

    def all_heard(self) -> str:
        if self.ground.broker_url == "local":
            return ""
        self._client.echo("the end")
        self._listener.join(30)
        assert not self._listener.is_alive()
        return "\n".join(self.heard)


@pytest.fixture
def place(ground: Ground, tmp_path: Path) -> Place:
    return Place(ground, tmp_path)


@contextlib.contextmanager
def hub_in(place: Place, *keys: str, name: str = "hub") -> Iterator[HubProcess]:
    folder = place.folder / name
    folder.mkdir()
    with hub_on(place.ground, folder, app=APP, environ=environ(*keys)) as hub:
        hub.client.get("/healthz")
        _until_known(hub)
        yield hub


def _until_known(hub: HubProcess) -> None:
    """With a worker elsewhere, its types are there a moment after it is ready."""
    with hub.client.stream("GET", "/events") as events:
        lines = events.iter_lines()
        while "secrets.send" not in hub.get("/task-types").text:
            next(lines)


def test_a_secret_is_nowhere_but_in_the_handler(place: Place) -> None:
    words = [f"open-sesame-{n}-{os.urandom(6).hex()}" for n in range(9)]
    said: list[str] = []
    with place, hub_in(place, key()) as hub:
        said.append(hub.get("/task-types").text)
        sent = hub.submit("secrets.send", {"to": "a", "password": words[0], "pin": 90_210_731})
        assert sent["payload"] == {"to": "a", "password": MASK, "pin": MASK}
        waited = hub.post(
            "/tasks",
            {
                "type": "secrets.send",
                "payload": {"to": "b", "password": words[1], "pin": None},
                "tags": ["x"],
            },
            headers={"Prefer": "wait=30", "Idempotency-Key": "once"},
        )
        assert waited.status_code == 200
        assert waited.json()["payload"] == {"to": "b", "password": MASK, "pin": None}
        assert waited.json()["result"] == ["b", digest(words[1]), digest("None")]
        logins = [{"user": "u", "password": words[2]}, {"user": "v", "password": words[3]}]
        batch = hub.post(
            "/tasks/batch",
            {
                "tasks": [
                    {"type": "secrets.thread", "payload": {"logins": logins}},
                    {"type": "secrets.child_process", "payload": {"password": words[4]}},
                    {"type": "secrets.tells", "payload": {"password": words[5]}},
                    {"type": "secrets.family", "payload": {"password": words[6]}},
                    {"type": "secrets.family_in_child", "payload": {"password": words[7]}},
                ]
            },
        )
        assert batch.status_code == 202, batch.text
        thread, child, tells, family, family_in_child = batch.json()["ids"]

        assert hub.final(sent["id"])["result"] == ["a", digest(words[0]), digest("90210731")]
        assert hub.final(thread)["result"] == [["u", digest(words[2])], ["v", digest(words[3])]]
        assert hub.final(child)["result"] == digest(words[4])
        for parent, word in ((family, words[6]), (family_in_child, words[7])):
            made = hub.final(hub.final(parent)["result"])
            assert (made["payload"], made["result"][1]) == ({"to": "child", "password": MASK}, digest(word))
        failed = hub.final(tells)
        assert failed["error"]["type"] == "ValueError"
        assert "'••••••' is not the password" in failed["error"]["message"]
        assert "raise ValueError" in failed["error"]["traceback"]
        logged = hub.get(f"/tasks/{tells}/logs").json()["items"]
        assert logged[0]["message"] == "logging in with ••••••"
        assert logged[0]["fields"] == {"nested": {"given": ["••••••"]}}

        wrong = hub.post("/tasks", {"type": "secrets.send", "payload": {"to": "a", "password": [words[8]]}})
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["pointer"] == "/payload/password"
        said += [waited.text, batch.text, wrong.text, hub.get("/tasks?limit=100").text]
        ids = [sent["id"], thread, child, tells, family]
        said += [
            hub.get(f"/tasks/{one}{path}").text
            for one in ids
            for path in ("", "/attempts", "/logs", "/result")
        ]
        said.append(json.dumps([failed, *(hub.final(one) for one in ids)]))
        everywhere = [place.dump(), *said, place.all_heard()]
    everywhere += [place.dump(), hub.output()]
    for word in [*words, "90210731"]:
        for where in everywhere:
            assert word not in where, where[max(where.find(word) - 300, 0) :][:600]
    assert '"v1.' in everywhere[0], "what is looked for is where it was looked"


def test_a_new_key_is_put_before_the_old_one(place: Place) -> None:
    """Across a restart; and what no key is left for fails with the reason, and can be redriven once it is back."""
    old, new = key(), key()
    with hub_in(place, old, name="old") as hub:
        task = hub.submit("secrets.send", {"to": "x", "password": "before"}, delay=3600)["id"]
        lost = hub.submit("secrets.send", {"to": "x", "password": "forgotten"}, delay=3600)["id"]
        request = {"type": "secrets.send", "payload": {"to": "y", "password": "same"}, "delay": 3600}
        first = hub.post("/tasks", request, headers={"Idempotency-Key": "k"})
        assert first.status_code == 202
    with hub_in(place, new, old, name="both") as hub:
        again = hub.post("/tasks", request, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"]), again.text
        other = request | {"payload": {"to": "y", "password": "other"}}
        assert hub.post("/tasks", other, headers={"Idempotency-Key": "k"}).status_code == 422
        hub.post(f"/tasks/{task}/promote")
        assert hub.final(task)["result"][1] == digest("before")
        later = hub.submit("secrets.send", {"to": "x", "password": "after"}, delay=3600)["id"]
    with hub_in(place, new, name="new") as hub:
        hub.post(f"/tasks/{later}/promote")
        assert hub.final(later)["result"][1] == digest("after")
        hub.post(f"/tasks/{lost}/promote")
        error = hub.final(lost)["error"]
        assert error["type"] == "SecretUnreadable"
        assert "/password is encrypted with the key" in error["message"]
        assert "secrets.keys has keys" in error["message"]
    with hub_in(place, new, old, name="mended") as hub:
        hub.post(f"/tasks/{lost}/redrive")
        assert hub.until(lost, "success")["result"][1] == digest("forgotten")


def test_what_was_changed_in_the_database_fails(place: Place) -> None:
    with hub_in(place, key()) as hub:
        one, two, three = (
            hub.submit("secrets.send", {"to": "x", "password": f"word-{n}"}, delay=3600, max_retries=5)["id"]
            for n in range(3)
        )
        place.change(one, place.stored(two))
        place.change(three, place.stored(three).replace('"}', 'AAAA"}'))
        for task in (one, three):
            hub.post(f"/tasks/{task}/promote")
            failed = hub.final(task)
            assert (failed["status"], failed["error"]["type"]) == ("failed", "SecretUnreadable")
            assert failed["attempt"] == 1, "no retry would help"
            assert "it was changed, or moved here" in failed["error"]["message"]
        hub.post(f"/tasks/{two}/promote")
        assert hub.final(two)["status"] == "success"


def test_without_a_key_nothing_secret_is_taken(place: Place) -> None:
    with hub_in(place) as hub:
        refused = hub.post(
            "/tasks", {"type": "secrets.send", "payload": {"to": "x", "password": "hush-hush"}}
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "no_secret_keys")
        assert "secrets.keys" in refused.json()["detail"]
        assert hub.get("/tasks").json()["items"] == []
        assert "hush-hush" not in place.dump() + hub.output() + refused.text


def test_a_mask_is_no_value(place: Place) -> None:
    with hub_in(place, key()) as hub:
        task = hub.submit("secrets.send", {"to": "x", "password": "word"}, delay=3600)
        again = hub.post("/tasks", {"type": task["type"], "payload": task["payload"]})
        assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/payload/password")
        envelope: Any = json.loads(place.stored(task["id"]))["password"]
        stolen = hub.post("/tasks", {"type": "unknown.type", "payload": {"x": [envelope]}})
        assert (stolen.status_code, stolen.json()["errors"][0]["pointer"]) == (422, "/payload/x/0")
