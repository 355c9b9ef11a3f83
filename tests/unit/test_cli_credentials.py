"""What is kept between commands: for this user alone, whole or not at all, and for no other server than its own."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from taskflow_hub.cli import asking, credentials, place, presenting
from taskflow_hub.cli.credentials import ApiKey, Kept, Login, Place, Profile
from taskflow_hub.cli.errors import explain
from taskflow_hub.cli.main import app, run
from taskflow_hub.domain.errors import Invalid, Misconfigured, Throttled, Unauthenticated

HUB, OTHER = "http://127.0.0.1:8080", "https://hub.example.com"
FRESH = Login("access-1", "refresh-1", 4_000_000_000.0)
STALE = Login("access-0", "refresh-0", 1.0)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("TASKFLOW_KEY", "TASKFLOW_PROFILE", "TASKFLOW_SERVER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "taskflow" / "credentials.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the file


def test_nothing_is_kept_at_first_and_looking_makes_nothing(file: Path) -> None:
    assert credentials.read() == Kept()
    assert not file.parent.exists()


def test_it_is_for_this_user_alone_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        credentials.keep(Place(HUB), FRESH)
    finally:
        os.umask(before)
    assert (mode(file.parent), mode(file)) == (0o700, 0o600)
    assert mode(file.with_name("credentials.lock")) == 0o600
    assert credentials.read().credential(Place(HUB)) == FRESH


def test_what_stood_open_is_closed_with_the_next_change(file: Path) -> None:
    file.parent.mkdir(parents=True, mode=0o755)
    file.write_text("{}")
    file.chmod(0o644)
    credentials.keep(Place(HUB), FRESH)
    assert (mode(file.parent), mode(file)) == (0o700, 0o600)


def test_it_is_replaced_as_a_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.keep(Place(HUB), FRESH)
    before, inode = file.read_bytes(), file.stat().st_ino
    monkeypatch.setattr(os, "fsync", _no_space)
    with pytest.raises(OSError, match="No space"):
        credentials.keep(Place(HUB), STALE)
    assert file.read_bytes() == before
    assert sorted(one.name for one in file.parent.iterdir()) == ["credentials.json", "credentials.lock"]
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parents[1]))
    credentials.keep(Place(HUB), STALE)
    assert file.stat().st_ino != inode


def _no_space(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"servers": {"x": {"kind": "of a newer taskflow"}}}', '{"profiles": {"p": {}}}', "\xff"],
)
def test_a_file_that_is_not_ours_is_named(text: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(text.encode("latin-1"))
    assert run(["task", "list", "--server", "http://127.0.0.1:1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"Error: {file} cannot be understood (")
    assert "taskflow login" in err
    with pytest.raises(Misconfigured):
        credentials.keep(Place(HUB), FRESH)
    assert file.read_bytes() == text.encode("latin-1"), "it may hold what somebody still wants"


def test_a_damaged_file_does_not_matter_to_who_has_a_key(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("{")
    monkeypatch.setenv("TASKFLOW_KEY", "tfk_x")
    assert presenting.key_for(place.find(HUB, None)) == "tfk_x"


def test_the_folder_is_where_the_standard_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "relative/is/not/allowed"):
        monkeypatch.setenv("XDG_CONFIG_HOME", given)
        assert credentials.file() == tmp_path / ".config" / "taskflow" / "credentials.json"


def test_nothing_in_it_shows_its_secret() -> None:
    kept = Kept(servers={HUB: FRESH, OTHER: ApiKey("tfk_s3cret")}, profiles={"p": Profile(HUB, FRESH)})
    for secret in ("access-1", "refresh-1", "s3cret"):
        assert secret not in repr(kept)


# --- the lock

ADD = """
import sys
from taskflow_hub.cli import credentials
from taskflow_hub.cli.credentials import ApiKey, Place
for n in range(20):
    credentials.keep(Place(f"http://{sys.argv[1]}-{n}"), ApiKey("tfk_x"))
"""


def test_of_two_processes_that_write_at_once_neither_loses(file: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", ADD, name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert set(credentials.read().servers) == {f"http://{name}-{n}" for name in "ab" for n in range(20)}


def test_who_comes_second_waits(file: Path) -> None:
    got = threading.Event()

    def second() -> None:
        with credentials.locked():
            got.set()

    waiting = threading.Thread(target=second)
    with credentials.locked():
        waiting.start()
        assert not got.wait(0.2)
    assert got.wait(10)
    waiting.join()


# --- which server, and what is presented to it


def test_an_address_has_one_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    spelled = {"HTTPS://Hub.Example.com:443/", "https://hub.example.com"}
    assert {place.address(one) for one in spelled} == {OTHER}
    assert place.address("[::1]:8080") == "http://[::1]:8080"
    assert place.address("http://h/TaskFlow/") == "http://h/TaskFlow"
    assert place.address(None) == HUB
    monkeypatch.setenv("TASKFLOW_SERVER", OTHER)
    assert place.address(None) == OTHER


def test_what_is_kept_for_a_server_goes_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.keep(Place(HUB), ApiKey("tfk_hub"))
    assert presenting.key_for(place.find(HUB, None)) == "tfk_hub"
    for other in (
        OTHER,
        "http://127.0.0.1:8081",
        "https://127.0.0.1:8080",
        "http://localhost:8080",
        f"{HUB}/x",
    ):
        assert presenting.key_for(place.find(other, None)) == ""


def test_a_profile_is_a_server_and_what_is_kept_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.keep(Place(OTHER, "prod"), ApiKey("tfk_prod"))
    credentials.keep(Place(OTHER), ApiKey("tfk_plain"))
    monkeypatch.setenv("TASKFLOW_SERVER", HUB)
    chosen = place.find(None, "prod")
    assert (chosen.server, presenting.key_for(chosen)) == (OTHER, "tfk_prod")
    assert presenting.key_for(place.find(f"{OTHER}/", "prod")) == "tfk_prod"
    assert presenting.key_for(place.find(OTHER, None)) == "tfk_plain"
    with pytest.raises(Misconfigured, match=f"prod is for {OTHER}"):
        place.find(HUB, "prod")
    with pytest.raises(Misconfigured, match="no profile nope"):
        place.find(None, "nope")
    monkeypatch.setenv("TASKFLOW_PROFILE", "prod")
    assert presenting.key_for(place.find(None, None)) == "tfk_prod"
    assert place.find(HUB, None) == Place(HUB), "a flag beats a variable"


def test_a_profile_on_the_command_line_beats_the_key_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials.keep(Place(OTHER, "prod"), ApiKey("tfk_prod"))
    monkeypatch.setenv("TASKFLOW_KEY", "tfk_variable")
    assert presenting.key_for(place.find(None, "prod")) == "tfk_prod"
    assert presenting.key_for(place.find(HUB, None)) == "tfk_variable"
    credentials.keep(Place(OTHER, "prod"), None)
    assert presenting.key_for(place.find(None, "prod")) == "", "it is logged out there"


def test_a_profile_that_has_moved_gives_nothing_to_its_old_server() -> None:
    credentials.keep(Place(OTHER, "prod"), FRESH)
    before = place.find(None, "prod")
    credentials.keep(Place(HUB, "prod"), ApiKey("tfk_moved"))
    assert credentials.read().credential(before) is None


def test_a_login_makes_a_profile_and_must_know_where() -> None:
    with pytest.raises(Misconfigured, match="--server URL"):
        place.to_log_in(None, "prod")
    assert place.to_log_in(OTHER, "prod") == Place(OTHER, "prod", chosen=True)
    credentials.keep(Place(OTHER, "prod"), None)
    assert place.to_log_in(None, "prod").server == OTHER


# --- renewing


class Hub:
    """What `client(…)` gives, for a hub that renews each refresh token once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.good = "refresh-0"

    def __call__(self, server: str, key: str) -> "Hub":
        assert (server, key) == (HUB, ""), "no other credential goes along"
        return self

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, *_: object) -> None: ...

    def refresh(self, token: str) -> Any:
        self.asked.append(token)
        if token != self.good:
            raise Unauthenticated("This login has ended, or its refresh token was used before; log in again.")
        number = len(self.asked)
        self.good = f"refresh-{number}"
        return _Answer(f"access-{number}", self.good)


class _Answer:
    expires_in = 900.0

    def __init__(self, access_token: str, refresh_token: str) -> None:
        self.access_token, self.refresh_token = access_token, refresh_token


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub()
    monkeypatch.setattr(presenting, "client", made)
    credentials.keep(Place(HUB), STALE)
    return made


def renewing() -> presenting.Renewing:
    key = presenting.key_for(Place(HUB))
    assert isinstance(key, presenting.Renewing)
    return key


def test_a_token_that_has_run_out_is_renewed_and_kept(hub: Hub) -> None:
    key = renewing()
    assert [key(None), key(None)] == ["access-1", "access-1"]
    kept = credentials.read().credential(Place(HUB))
    assert isinstance(kept, Login)
    assert (kept.access_token, kept.refresh_token) == ("access-1", "refresh-1")
    assert kept.expires_at == pytest.approx(time.time() + 900, abs=60)
    assert hub.asked == ["refresh-0"]


def test_one_that_the_hub_refuses_is_renewed_too(hub: Hub) -> None:
    credentials.keep(Place(HUB), Login("early", "refresh-0", time.time() + 900))
    key = renewing()
    assert key(None) == "early"
    assert key("early") == "access-1"


def test_who_comes_second_takes_what_the_first_has_got(hub: Hub) -> None:
    first, second = renewing(), renewing()
    assert first(None) == "access-1"
    assert second(None) == "access-1"
    assert hub.asked == ["refresh-0"], "a second use would have ended the login"


def test_two_threads_at_once_renew_once(hub: Hub) -> None:
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(renewing()(None))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["access-1"] * 4
    assert hub.asked == ["refresh-0"]


def test_a_login_that_has_ended_says_what_to_do_once(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.good = "another"
    with pytest.raises(Unauthenticated) as raised:
        renewing()(None)
    assert explain(raised.value) == 4
    assert capsys.readouterr().err == f"Error: The login at {HUB} has ended; log in again: taskflow login\n"
    credentials.keep(Place(HUB), STALE)
    key = renewing()
    credentials.keep(Place(HUB), None)
    with pytest.raises(Unauthenticated, match="log in again: taskflow login"):
        key(None)


def test_who_is_in_a_hurry_begins_no_renewal(hub: Hub) -> None:
    assert presenting.key_for(Place(HUB), renewing=False) == "access-0"
    assert hub.asked == []


# --- secrets that are asked for


def _options(group: Any, path: str = "taskflow") -> Iterator[tuple[str, Any]]:
    for param in group.params:
        yield path, param
    for name, command in getattr(group, "commands", {}).items():
        yield from _options(command, f"{path} {name}")


def test_no_command_takes_a_secret_as_an_argument() -> None:
    for path, param in _options(typer.main.get_command(app)):
        if not getattr(param, "is_flag", False):
            secrets = {"password", "secret", "token", "api_key"} | ({"key"} if "limit" not in path else set())
            assert param.name not in secrets, path


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"\xef\xbb\xbfone\r\ntwo", ["one", "two"]),
        (" п р \n x \n".encode(), [" п р ", " x "]),
    ],
)
def test_a_script_gives_a_line_each(given: bytes, wanted: list[str]) -> None:
    script = "from taskflow_hub.cli import asking; print([asking.ask_secret('A'), asking.ask_new_password()])"
    ran = subprocess.run([sys.executable, "-c", script], input=given, capture_output=True, check=True)
    assert ran.stdout.decode().strip() == repr(wanted)
    assert ran.stderr == b""


@pytest.mark.parametrize("given", [b"", b"\n", b"\xff\n"])
def test_nothing_is_no_password(given: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    with pytest.raises(Invalid, match="Password: "):
        asking.ask_secret("Password")


def test_who_asks_too_often_hears_for_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(Throttled("Too many tries; wait a moment.", retry_after_s=29.2)) == 5
    assert capsys.readouterr().err.splitlines() == [
        "Error: Too many tries; wait a moment.",
        "Try again in 30 s.",
    ]


def test_the_file_is_json_that_can_be_read(file: Path) -> None:
    credentials.keep(Place(OTHER, "prod"), ApiKey("tfk_x"))
    assert json.loads(file.read_text()) == {
        "servers": {},
        "profiles": {"prod": {"server": OTHER, "credential": {"kind": "key", "key": "tfk_x"}}},
    }
