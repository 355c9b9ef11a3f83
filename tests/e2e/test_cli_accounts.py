"""Accounts from the command line, as real processes against a real hub: who one is, what one may do, and where it is kept."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_cli_session import session
from tests.support.hub_process import HubProcess, until

ENVIRON = {"PYTHONPATH": str(Path(__file__).parent)}
HUB = {**ENVIRON, "TASKFLOW_AUTH_SECRET": "a secret of thirty-two letters, at least"}
ADMIN, PASSWORD = "Ada@example.com", "correct horse"

Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Person:
    """Somebody with a home folder of their own."""

    home: Path
    hub: HubProcess
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
        own = {"XDG_CONFIG_HOME": str(self.home), "TASKFLOW_SERVER": self.hub.url}
        return {**clean, **ENVIRON, **own, **self.variables}

    @property
    def file(self) -> Path:
        return self.home / "taskflow" / "credentials.json"

    def __call__(self, *args: str, said: str = "", status: int = 0, **variables: Any) -> Run:
        run = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", *args],
            cwd=self.hub.folder,
            env={**self.environ, **variables},
            input=said,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr or "--debug" in args
        return run

    def me(self, **variables: Any) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self("whoami", "-o", "json", **variables).stdout)
        return shown

    def run_out(self) -> dict[str, Any]:
        """As if the access token had run out long ago; what was kept before."""
        kept: dict[str, Any] = json.loads(self.file.read_text())
        aged = json.loads(self.file.read_text())
        for login in aged["servers"].values():
            login["expires_at"] = 1.0
        self.file.write_text(json.dumps(aged))
        return kept


People = Callable[[], Person]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("accounts"), app="cli_app:hub", environ=HUB) as running:
        yield running


@pytest.fixture(scope="module")
def admin(hub: HubProcess, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The first to register."""
    person = Person(tmp_path_factory.mktemp("admin"), hub)
    person("register", "--email", ADMIN, said=f"{PASSWORD}\n")
    return person


@pytest.fixture
def people(hub: HubProcess, admin: Person, tmp_path: Path) -> People:
    """Somebody whom the hub does not know yet, or not here."""
    homes = iter(range(10))
    return lambda: Person(tmp_path / str(next(homes)), hub)


def added(admin: Person, person: Person, email: str, role: str) -> str:
    """A user of the admin's account, who has logged in; their id."""
    run = admin("user", "add", email, "--role", role, said="password of theirs\n")
    person("login", "--email", email, said="password of theirs\n")
    return run.stdout.strip()


# --- logging in and out


def test_the_first_user_is_the_admin(admin: Person) -> None:
    assert admin("key", "list").stderr.startswith("No keys yet. Make one: taskflow key create NAME")
    assert admin("key", "list", "-o", "json").stderr == ""
    me = admin.me()
    assert (me["user"]["email"], me["user"]["role"], me["account_id"]) == (ADMIN, "admin", "default")
    shown = admin("whoami").stdout
    assert f"user     {ADMIN}" in shown
    assert "role     admin" in shown


def test_a_later_one_has_an_account_of_their_own(people: People) -> None:
    person = people()
    run = person("register", said="later@example.com\nanother password\n")
    assert run.stdout == ""
    assert run.stderr.startswith("You are later@example.com (user, account ")
    assert person.me()["account_id"] == person.me()["user"]["id"]
    assert (
        "has registered"
        in people()("register", "--email", "LATER@example.com", said="another password\n", status=1).stderr
    )


def test_without_a_login_nothing_is_done_and_it_is_said_what_to_do(people: People) -> None:
    person = people()
    for command in (("task", "list"), ("whoami",), ("key", "list")):
        run = person(*command, status=4)
        assert run.stdout == ""
        assert "Log in with `taskflow login`, or set TASKFLOW_KEY." in run.stderr
    assert not person.file.exists()


def test_login_work_logout(people: People) -> None:
    person = people()
    run = person("login", said=f"{ADMIN.lower()}\n{PASSWORD}\n")
    assert run.stderr == f"You are {ADMIN} (admin, account default) at {person.hub.url}.\n"
    assert (person.file.stat().st_mode & 0o777, person.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert PASSWORD not in person.file.read_text()
    ran = person("task", "submit", "cli.echo", "text=hello", "--wait")
    assert json.loads(ran.stdout)
    kept = json.loads(person.file.read_text())["servers"][person.hub.url]
    assert "Logged out" in person("logout").stderr
    assert kept["access_token"] not in person.file.read_text()
    person("task", "list", status=4)
    person("whoami", status=4, TASKFLOW_KEY=kept["access_token"])  # it has ended at the hub, too
    assert "not logged in" in person("logout").stderr


def test_a_wrong_password_keeps_nothing_and_is_told_without_useless_advice(people: People) -> None:
    person = people()
    run = person("login", "--email", ADMIN, said="wrong\n", status=4)
    assert run.stderr == "Error: No user has this e-mail address and password.\n"
    run = person("login", "--with-key", said="tfk_wrong\n", status=4)
    assert "tfk_wrong" not in run.stderr
    assert not person.file.exists()


def test_a_logout_is_one_here_even_when_the_hub_is_away(people: People) -> None:
    person = people()
    person("login", "--email", ADMIN, said=f"{PASSWORD}\n")
    kept = person.file.read_text()
    away = "http://127.0.0.1:1"
    person.file.write_text(kept.replace(person.hub.url, away))
    run = person("logout", "--server", away, status=5)
    assert "forgotten here, but the hub does not know" in run.stderr
    assert json.loads(person.file.read_text())["servers"] == {}


def test_a_person_is_asked_and_nothing_is_echoed(people: People, tmp_path: Path) -> None:
    person = people()
    variables = {"XDG_CONFIG_HOME": str(person.home), "TASKFLOW_SERVER": person.hub.url}
    with session("login", folder=tmp_path, **variables) as terminal:
        terminal.until("E-mail address: ").press(f"{ADMIN}\n")
        terminal.until("Password: ").press(f"{PASSWORD}\n")
        assert terminal.end() == 0
        assert f"You are {ADMIN}" in terminal.screen
        assert PASSWORD not in terminal.screen
    with session("register", "--email", "b@example.com", folder=tmp_path, **variables) as terminal:
        terminal.until("Password: ").press("one password\n")
        terminal.until("The same again: ").press("another password\n")
        assert terminal.end() == 2
        assert "two different passwords" in terminal.screen


# --- profiles


def test_a_profile_is_another_hub_with_another_login(admin: Person, people: People, tmp_path: Path) -> None:
    person = people()
    secret = admin("key", "create", "for a profile", "--scope", "read").stdout
    with HubProcess(tmp_path, environ={**HUB, "TASKFLOW_DATABASE_URL": "sqlite:///other.db"}) as other:
        person("register", "--email", "first@example.com", said="first of all\n", TASKFLOW_SERVER=other.url)
        run = person("login", "--with-key", "--profile", "prod", "--server", person.hub.url, said=secret)
        assert "Use it with: taskflow --profile prod" in run.stderr

        def named(*args: str, **variables: Any) -> Any:
            shown = json.loads(person(*args, "whoami", "-o", "json", **variables).stdout)
            return shown["key"]["name"] if shown["key"] else shown["user"]["email"]

        elsewhere = {"TASKFLOW_SERVER": other.url}
        assert named(**elsewhere) == "first@example.com"
        assert named("--profile", "prod", **elsewhere) == "for a profile"
        assert named("--profile", "prod", **elsewhere, TASKFLOW_KEY="tfk_of_another_hub") == "for a profile"
        assert named(**elsewhere, TASKFLOW_PROFILE="prod") == "for a profile"
        assert (
            "leave out either"
            in person("--profile", "prod", "--server", other.url, "whoami", status=2).stderr
        )
        assert "no profile nope" in person("--profile", "nope", "whoami", status=2).stderr
        assert "forgotten" in person("--profile", "prod", "logout").stderr
        person("--profile", "prod", "whoami", status=4)


# --- keys


def test_a_key_is_shown_once_and_used_by_another_process(admin: Person, people: People) -> None:
    run = admin("key", "create", "ci", "--scope", "submit", "--scope", "read", "--expires", "30d")
    secret = run.stdout.strip()
    assert run.stdout == f"{secret}\n"
    assert secret.startswith("tfk_")
    assert secret not in run.stderr
    program = people()
    task = program("task", "submit", "cli.echo", "text=x", TASKFLOW_KEY=secret).stdout.strip()
    assert program("task", "get", task, TASKFLOW_KEY=secret).stdout
    me = program.me(TASKFLOW_KEY=secret)
    assert (me["user"], me["key"]["name"], me["scopes"]) == (None, "ci", ["submit", "read"])
    assert "needs the scope manage" in program("task", "cancel", task, TASKFLOW_KEY=secret, status=4).stderr
    listed = admin("key", "list").stdout
    assert me["key"]["id"] in listed
    assert secret not in listed
    assert "is revoked" in admin("key", "revoke", me["key"]["id"]).stderr
    admin("key", "revoke", me["key"]["id"])
    assert "revoked" in admin("key", "list").stdout
    program("whoami", TASKFLOW_KEY=secret, status=4)


def test_a_key_for_one_queue(admin: Person, people: People) -> None:
    made = json.loads(
        admin(
            "key", "create", "mail", "--scope", "submit", "--scope", "read", "--queue", "mail", "-o", "json"
        ).stdout
    )
    assert (made["key"]["queues"], made["key"]["expires_at"]) == (["mail"], None)
    submit = ("task", "submit", "cli.echo", "text=x")
    program = people()
    program(*submit, "--queue", "mail", TASKFLOW_KEY=made["secret"])
    program(*submit, "--queue", "other", TASKFLOW_KEY=made["secret"], status=4)


def test_what_is_wrong_is_named_as_it_is_typed(admin: Person) -> None:
    assert "not one of submit, read" in admin("key", "create", "x", "--scope", "all", status=2).stderr
    assert "--scope" in admin("key", "create", "x", status=2).stderr
    assert "--expires" in admin("key", "create", "x", "--scope", "read", "--expires", "0.5", status=2).stderr
    assert "password" in admin("user", "add", "x@example.com", said="short\n", status=2).stderr
    assert (
        admin("user", "add", "nobody", said="long enough\n", status=2).stderr
        == "Error: EMAIL: is not an e-mail address, such as ada@example.org\n"
    )
    admin("key", "revoke", "0198c0de-0000-7000-8000-000000000000", status=3)
    admin("user", "set-role", "nobody@example.com", "user", status=3)


# --- users


def test_a_viewer_looks_and_does_nothing(admin: Person, people: People) -> None:
    viewer = people()
    id = added(admin, viewer, "viewer@example.com", "viewer")
    assert viewer.me()["user"] == {
        **viewer.me()["user"],
        "id": id,
        "role": "viewer",
        "account_id": "default",
    }
    viewer("task", "list")
    for command in (
        ("task", "submit", "cli.echo", "text=x"),
        ("key", "create", "x", "--scope", "read"),
        ("user", "set-role", id, "admin"),
        ("queue", "pause", "default"),
    ):
        run = viewer(*command, status=4)
        assert run.stdout == ""
        assert "`taskflow whoami` shows" in run.stderr
    assert "is user now" in admin("user", "set-role", "VIEWER@example.com", "user").stderr
    viewer("task", "submit", "cli.echo", "text=x")
    emails = [user["email"] for user in json.loads(admin("user", "list", "-o", "json").stdout)]
    assert emails[0] == ADMIN
    assert "viewer@example.com" in emails


def test_the_last_admin_stays(admin: Person) -> None:
    assert "only admin" in admin("user", "set-role", ADMIN, "viewer", status=1).stderr


def test_ones_own_password(admin: Person, people: People) -> None:
    person, other = people(), people()
    added(admin, person, "own@example.com", "user")
    other("login", "--email", "own@example.com", said="password of theirs\n")
    assert "present password" in person("password", said="wrong\nthe next one\n", status=2).stderr
    person("password", said="password of theirs\nthe next one\n")
    person("task", "list")
    other("task", "list", status=4)
    other("login", "--email", "own@example.com", said="the next one\n")
    assert "A key has no password" in person("password", status=4, TASKFLOW_KEY="tfk_x").stderr


def test_a_forgotten_password_is_reset_in_the_database(admin: Person, people: People, tmp_path: Path) -> None:
    person = people()
    added(admin, person, "forgot@example.com", "user")
    database = f"sqlite:///{person.hub.folder / 'taskflow.db'}"
    run = person("user", "reset-password", "FORGOT@example.com", "--database", database, said="brand new\n")
    assert run.stderr.startswith("forgot@example.com has a new password")
    until(lambda: subprocess.run(
        [sys.executable, "-m", "taskflow_hub", "whoami"], env=person.environ, capture_output=True, check=False
    ).returncode == 4)  # fmt: skip
    assert "log in again: taskflow login" in person("whoami", status=4).stderr
    person("login", "--email", "forgot@example.com", said="password of theirs\n", status=4)
    person("login", "--email", "forgot@example.com", said="brand new\n")
    reset = ("user", "reset-password")
    person(*reset, "nobody@example.com", "--database", database, said="brand new\n", status=3)
    person(*reset, ADMIN, "--database", database, said="short\n", status=2)
    nowhere = tmp_path / "nowhere.db"
    person(*reset, ADMIN, "--database", f"sqlite:///{nowhere}", said="brand new\n", status=3)
    assert not nowhere.exists()


# --- a login renews itself


def test_a_token_that_has_run_out_is_renewed_silently(people: People) -> None:
    person = people()
    person("login", "--email", ADMIN, said=f"{PASSWORD}\n")
    before = person.run_out()["servers"][person.hub.url]
    run = person("task", "list")
    assert run.stderr == ""
    after = json.loads(person.file.read_text())["servers"][person.hub.url]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["expires_at"] > time.time()
    assert person.file.stat().st_mode & 0o777 == 0o600


def test_many_processes_at_once_do_not_end_the_login(people: People) -> None:
    person = people()
    person("login", "--email", ADMIN, said=f"{PASSWORD}\n")
    person.run_out()
    command = [sys.executable, "-m", "taskflow_hub", "whoami"]
    running = [
        subprocess.Popen(command, env=person.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for one in running:
        _, said = one.communicate(timeout=60)
        assert (one.returncode, said) == (0, b"")
    person("whoami")


def test_a_refused_refresh_says_to_log_in_again(people: People) -> None:
    person = people()
    person("login", "--email", ADMIN, said=f"{PASSWORD}\n")
    before = person.run_out()
    person("whoami")
    before["servers"][person.hub.url]["expires_at"] = 1.0
    person.file.write_text(json.dumps(before))  # as if from a backup: its refresh token is used up
    run = person("whoami", status=4)
    assert run.stderr == f"Error: The login at {person.hub.url} has ended; log in again: taskflow login\n"


def test_an_access_token_of_a_hub_that_gives_short_ones(tmp_path: Path) -> None:
    with HubProcess(tmp_path, environ={**HUB, "TASKFLOW_AUTH_ACCESS_TTL": "10"}) as hub:
        person = Person(tmp_path / "home", hub)
        person("register", "--email", ADMIN, said=f"{PASSWORD}\n")
        before = json.loads(person.file.read_text())["servers"][hub.url]
        assert before["expires_at"] < time.time() + 11
        # By this machine's clock it has not run out, when by the hub's it has: then the hub says so.
        kept = {**before, "expires_at": 4_000_000_000.0}
        person.file.write_text(json.dumps({"servers": {hub.url: kept}}))

        def renewed() -> bool:
            person("whoami")
            now = json.loads(person.file.read_text())["servers"][hub.url]
            return bool(now["access_token"] != before["access_token"])

        until(renewed)


# --- secrets stay secret


def test_no_secret_is_on_the_process_list_or_in_the_hubs_log(admin: Person, people: People) -> None:
    person = people()
    command = [sys.executable, "-m", "taskflow_hub", "login", "--email", ADMIN]
    asking = subprocess.Popen(
        command, env=person.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    shown = Path(f"/proc/{asking.pid}/cmdline")
    until(lambda: b"--email" in shown.read_bytes())  # then it waits for its standard input
    listed = shown.read_bytes()
    said, _ = asking.communicate(f"{PASSWORD}\n".encode(), timeout=60)
    assert asking.returncode == 0
    assert b"login\x00--email" in listed
    assert PASSWORD.encode() not in said
    secret = admin("key", "create", "secret", "--scope", "read").stdout.strip()
    person("task", "list", TASKFLOW_KEY=secret)
    kept = json.loads(person.file.read_text())["servers"][person.hub.url]
    hidden = (PASSWORD, secret, kept["access_token"], kept["refresh_token"], HUB["TASKFLOW_AUTH_SECRET"])
    assert not any(one.encode() in listed for one in hidden)
    assert not any(one in person.hub.output() for one in hidden)
    run = person("--debug", "task", "get", "x", status=2)
    assert not any(one in run.stderr + run.stdout for one in hidden)


def test_a_redirect_elsewhere_takes_no_credential_along(admin: Person, people: People) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    seen: list[str | None] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_response(307)
            self.send_header("Location", f"{admin.hub.url}/tasks")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            run = admin("task", "list", "--server", f"http://127.0.0.1:{server.server_port}", status=5)
        finally:
            server.shutdown()
            thread.join()
    assert set(seen) == {None}, "what is kept for the hub is not for it"
    assert run.stdout == ""


def test_a_hub_without_accounts_wants_no_login(tmp_path: Path) -> None:
    with HubProcess(tmp_path, environ=ENVIRON) as hub:
        person = Person(tmp_path / "home", hub)
        assert "no accounts" in person("login", "--email", ADMIN, said=f"{PASSWORD}\n", status=1).stderr
        assert "no accounts" in person("login", "--with-key", said="tfk_x\n", status=1).stderr
        assert "whoever reaches this hub may do everything" in person("whoami").stdout
        assert person.me()["accounts"] is False
        person("task", "list", TASKFLOW_KEY="tfk_whatever")
        ready = hub.until_says("ready")
        assert ready["access"] == "open, without accounts: this machine only"


def test_a_hub_says_whether_it_has_accounts(hub: HubProcess) -> None:
    assert hub.until_says("ready")["access"] == "accounts: log in or present a key"
