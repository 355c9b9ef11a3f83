"""Where settings come from, which source wins, and what is said of a wrong one."""

import base64
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub import settings
from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.settings import Settings, load, names, value_of, variable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "taskflow.toml"


def refused(
    environ: dict[str, str] | None = None, *, text: str = "", file: Path | None = None, **flags: Any
) -> Misconfigured:
    """What loading says, which must be an error."""
    if file is not None:
        file.write_text(text)
    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    with pytest.raises(Misconfigured) as found:
        load(dotted, environ=environ or {}, file=file or Path("/nowhere/taskflow.toml"))
    return found.value


# Below: an empty one would open the hub to all, or leave secret fields without a key.
NEVER_EMPTY = {name for name in names() if variable(name) in settings.NEVER_EMPTY}


def pointers(error: Misconfigured) -> list[str]:
    return [one.pointer for one in error.errors]


# --- which source wins


def test_without_any_source_everything_has_its_default(file: Path) -> None:
    loaded = load(environ={}, file=file)
    assert loaded.settings == Settings()
    assert loaded.origins == dict.fromkeys(names(), "default")


def test_file_beats_default_environment_beats_file_flag_beats_all(file: Path) -> None:
    file.write_text("[worker]\nslots = 2\ngrace = 2\nname = 'two'\n")
    loaded = load(
        {"worker.slots": 4, "worker.grace": None},
        environ={"TASKFLOW_WORKER_SLOTS": "3", "TASKFLOW_WORKER_GRACE": "3"},
        file=file,
    )
    worker = loaded.settings.worker
    assert (worker.slots, worker.grace, worker.name, worker.resend_s) == (4, 3.0, "two", 10.0)
    assert {name: loaded.origins[f"worker.{name}"] for name in ("slots", "grace", "name", "resend_s")} == {
        "slots": "flag",
        "grace": "environment",
        "name": "file",
        "resend_s": "default",
    }


SOURCES = ("file", "environment", "flag")


@given(st.sets(st.sampled_from(SOURCES)))
def test_the_last_source_that_names_it_wins(
    tmp_path_factory: pytest.TempPathFactory, given_by: set[str]
) -> None:
    file = tmp_path_factory.mktemp("settings") / "taskflow.toml"
    if "file" in given_by:
        file.write_text("[http]\nport = 1\n")
    environ = {"TASKFLOW_HTTP_PORT": "2"} if "environment" in given_by else {}
    flags = {"http.port": 3 if "flag" in given_by else None}

    loaded = load(flags, environ=environ, file=file)

    winner = next((source for source in reversed(SOURCES) if source in given_by), "default")
    assert loaded.origins["http.port"] == winner
    assert loaded.settings.http.port == {"file": 1, "environment": 2, "flag": 3, "default": 8080}[winner]


def test_the_process_s_own_environment_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setenv("TASKFLOW_WORKER_SLOTS", "7")
    assert load(file=file).settings.worker.slots == 7


@pytest.mark.parametrize("name", [name for name in names() if name not in NEVER_EMPTY])
def test_every_setting_can_come_from_every_source(name: str, file: Path) -> None:
    """Its own default, written as text, gives its default; and the source is told."""
    default = value_of(Settings(), name)
    text = "none" if default is None else ",".join(default) if isinstance(default, tuple) else str(default)
    section, _, key = name.partition(".")
    file.write_text(f"[{section}]\n{key} = {json.dumps(text)}\n")

    by_file = load(environ={}, file=file)
    by_environment = load(environ={variable(name): text}, file=Path("/nowhere"))
    by_flag = load({name: default}, environ={}, file=Path("/nowhere"))

    assert value_of(by_file.settings, name) == default
    assert by_file.origins[name] == "file"
    assert value_of(by_environment.settings, name) == default
    assert by_environment.origins[name] == ("environment" if text else "default")
    assert value_of(by_flag.settings, name) == default
    assert by_flag.origins[name] == ("default" if default is None else "flag")


def test_names_and_variables_are_unmistakable() -> None:
    assert len({variable(name) for name in names()}) == len(list(names()))
    assert not {variable(name) for name in names()} & settings.CLIENT_VARIABLES
    assert variable("worker.lock_dir") == "TASKFLOW_WORKER_LOCK_DIR"


# --- what texts mean


@pytest.mark.parametrize(
    ("text", "queues"),
    [("mail", ("mail",)), ("mail,cpu", ("mail", "cpu")), (" mail , cpu ,", ("mail", "cpu")), (",", ())],
)
def test_a_list_is_written_with_commas(text: str, queues: tuple[str, ...], file: Path) -> None:
    assert load(environ={"TASKFLOW_WORKER_QUEUES": text}, file=file).settings.worker.queues == queues


def test_a_list_in_the_file_is_a_list(file: Path) -> None:
    file.write_text("[worker]\nqueues = ['mail', 'cpu']\n[http]\nallowed_hosts = ['Hub.Example.com']\n")
    loaded = load(environ={}, file=file).settings
    assert loaded.worker.queues == ("mail", "cpu")
    assert loaded.http.allowed_hosts == ("hub.example.com",)


@pytest.mark.parametrize("text", ["none", "None", " NONE "])
def test_none_takes_a_value_away_where_there_may_be_none(text: str, file: Path) -> None:
    file.write_text("[worker]\nname = 'left'\nwatchdog_s = 5\n")
    environ = {"TASKFLOW_WORKER_WATCHDOG_S": text, "TASKFLOW_WORKER_NAME": text}
    worker = load(environ=environ, file=file).settings.worker
    assert (worker.watchdog_s, worker.name) == (None, None)


def test_none_is_no_value_for_what_needs_one() -> None:
    assert pointers(refused({"TASKFLOW_WORKER_SLOTS": "none"})) == ["TASKFLOW_WORKER_SLOTS"]


@pytest.mark.parametrize("name", [name for name in names() if name not in NEVER_EMPTY])
def test_an_empty_variable_is_one_that_was_not_set(name: str, file: Path) -> None:
    """A compose file writes `TASKFLOW_FILES_ROOT=`; that must not open the working directory."""
    loaded = load(environ={variable(name): "", f"{variable(name)}_FILE": ""}, file=file)
    assert loaded.settings == Settings()
    assert loaded.origins[name] == "default"


def test_other_programs_variables_and_the_clients_are_left_alone(file: Path) -> None:
    environ = {"TASKFLOW_SERVER": "http://127.0.0.1:1", "HOME": "/", "NOT_TASKFLOW_WORKER_SLOTS": "x"}
    assert load(environ=environ, file=file).settings == Settings()


# --- secrets in files


def test_a_variable_can_name_a_file_that_holds_the_value(tmp_path: Path, file: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("sqlite:///secret.db\n")
    loaded = load(environ={"TASKFLOW_DATABASE_URL_FILE": str(secret)}, file=file)
    assert loaded.settings.database.url == "sqlite:///secret.db"
    assert loaded.origins["database.url"] == "environment"


def test_only_the_last_line_break_is_cut(tmp_path: Path, file: Path) -> None:
    secret = tmp_path / "name"
    secret.write_text("  a name \r\n")
    loaded = load(environ={"TASKFLOW_WORKER_NAME_FILE": str(secret)}, file=file)
    assert loaded.settings.worker.name == "  a name "


def test_the_secrets_themselves_come_from_files(tmp_path: Path, file: Path) -> None:
    """The keys one a line, as they are added."""
    keys = [base64.b64encode(bytes(range(n, n + 32))).decode() for n in range(3)]
    (tmp_path / "keys").write_text("\n".join(keys) + "\n")
    (tmp_path / "secret").write_text("0123456789abcdef" * 3 + "\n")
    environ = {
        "TASKFLOW_SECRETS_KEYS_FILE": str(tmp_path / "keys"),
        "TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret"),
    }
    loaded = load(environ=environ, file=file).settings
    assert loaded.secrets.keys == tuple(keys)
    assert loaded.auth.secret == "0123456789abcdef" * 3
    for told in (repr(loaded), str(loaded)):
        assert keys[0] not in told
        assert "0123456789abcdef" not in told


@pytest.mark.parametrize("text", ["", "\n", "none"])
def test_an_empty_file_is_no_secret(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    error = refused({"TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret")})
    assert "TASKFLOW_AUTH_SECRET_FILE: is set, but empty" in error.detail


@pytest.mark.parametrize("text", ["", " ", "\n", ",", " ,\n\n", "none"])
def test_keys_that_are_none_are_refused(tmp_path: Path, text: str, file: Path) -> None:
    """A hub that was meant to have keys would refuse every task with secrets, or take them for types it does not know."""
    (tmp_path / "keys").write_text(text)
    for name, value in (
        ("TASKFLOW_SECRETS_KEYS", text),
        ("TASKFLOW_SECRETS_KEYS_FILE", str(tmp_path / "keys")),
    ):
        error = refused({name: value}, file=file)
        assert error.detail.startswith(
            f"{name}: is set, but empty, which would leave secret fields without a key"
        )
    assert "is set, but empty" in refused({"TASKFLOW_SECRETS_KEYS_FILE": ""}, file=file).detail


def test_a_wrong_secret_is_not_repeated(file: Path) -> None:
    for environ in ({"TASKFLOW_SECRETS_KEYS": "aHVudGVyMg==,hunter2"}, {"TASKFLOW_AUTH_SECRET": "hunter2"}):
        error = refused(environ)
        assert next(iter(environ)) in error.detail
        for word in ("hunter2", "aHVudGVyMg"):
            assert word not in f"{error} {error!r} {error.detail}"
    assert "hunter2" not in refused(text='[secrets]\nkeys = ["hunter2"]\n', file=file).detail


def test_a_secret_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    error = refused({"TASKFLOW_DATABASE_URL_FILE": str(tmp_path / "missing")})
    assert "TASKFLOW_DATABASE_URL_FILE" in error.detail
    assert "missing" in error.detail
    (tmp_path / "bytes").write_bytes(b"\xff")
    assert "cannot read" in refused({"TASKFLOW_DATABASE_URL_FILE": str(tmp_path / "bytes")}).detail


def test_a_value_and_a_file_for_it_contradict_each_other(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("sqlite:///secret.db")
    error = refused(
        {"TASKFLOW_DATABASE_URL_FILE": str(secret), "TASKFLOW_DATABASE_URL": "sqlite:///plain.db"}
    )
    assert "TASKFLOW_DATABASE_URL_FILE and TASKFLOW_DATABASE_URL are both set" in error.detail


# --- what is wrong


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TASKFLOW_WORKER_SLOT", "TASKFLOW_WORKER_SLOTS"),
        ("TASKFLOW_DATABSE_URL", "TASKFLOW_DATABASE_URL"),
        ("TASKFLOW_DATABASE_ULR_FILE", "TASKFLOW_DATABASE_URL"),
        ("TASKFLOW_PORT", "TASKFLOW_HTTP_PORT"),
    ],
)
def test_an_unknown_variable_is_refused_with_a_suggestion(written: str, meant: str) -> None:
    error = refused({written: "1"})
    assert pointers(error) == [written]
    assert f"did you mean {meant}?" in error.detail


@pytest.mark.parametrize(
    ("text", "written", "meant"),
    [
        ("[worker]\nslot = 1", "worker.slot", "worker.slots"),
        ("[workers]\nslots = 1", "workers.slots", "worker.slots"),
        ("port = 1", "port", "http.port"),
        ("[htttp]", "htttp", None),
        ("worker = 5", "worker", None),
    ],
)
def test_an_unknown_key_in_the_file_is_refused(
    text: str, written: str, meant: str | None, file: Path
) -> None:
    error = refused(text=text, file=file)
    assert pointers(error) == [written]
    assert meant is None or f"did you mean {meant}?" in error.detail


def test_what_resembles_nothing_points_to_the_list() -> None:
    assert "taskflow config show" in refused({"TASKFLOW_QQQ": "1"}).detail


def test_all_unknown_names_are_told_at_once(file: Path) -> None:
    error = refused({"TASKFLOW_A": "1", "TASKFLOW_B": "1"}, text="[worker]\nc = 1", file=file, d="1")
    assert pointers(error) == ["worker.c", "TASKFLOW_A", "TASKFLOW_B", "d"]


def test_a_wrong_value_is_named_as_it_was_written(file: Path) -> None:
    error = refused(
        {"TASKFLOW_WORKER_SLOTS": "many"},
        text="[http]\nport = 70000\n[log]\nlevel = 'loud'\n",
        file=file,
        worker__grace=-1,
    )
    assert set(pointers(error)) == {"worker.grace", "TASKFLOW_WORKER_SLOTS", "http.port", "log.level"}
    for pointer in pointers(error):
        assert f"{pointer}: " in error.detail
    assert "debug" in error.detail, "the levels that there are"


@pytest.mark.parametrize("value", ["inf", "Infinity", "1e999", "nan"])
def test_a_time_has_an_end(value: str) -> None:
    assert pointers(refused({"TASKFLOW_WORKER_GRACE": value})) == ["TASKFLOW_WORKER_GRACE"]


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"TASKFLOW_WORKER_HEARTBEAT_S": "30"}, "self_stop_s must be larger than heartbeat_s"),
        ({"TASKFLOW_ENGINE_DEAD_AFTER": "20"}, "engine.dead_after must be larger than worker.self_stop_s"),
        ({"TASKFLOW_WORKER_SELF_STOP_S": "30"}, "engine.dead_after must be larger than worker.self_stop_s"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(environ: dict[str, str], why: str) -> None:
    assert why in refused(environ).detail


@pytest.mark.parametrize("text", ["[worker", "worker = ", "\x00", "[worker]\nslots = 1\nslots = 2"])
def test_a_file_that_is_not_toml_is_refused_by_name(text: str, file: Path) -> None:
    assert str(file) in refused(text=text, file=file).detail


def test_a_file_that_cannot_be_read_is_refused_by_name(file: Path) -> None:
    file.mkdir()
    with pytest.raises(Misconfigured, match=r"taskflow\.toml"):
        load(environ={}, file=file)


# --- unsafe combinations


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "hub.example.com", "", "*"])
def test_the_api_listens_on_loopback_only(host: str) -> None:
    error = refused(http__host=host)
    assert pointers(error) == ["http.host"]
    assert "loopback" in error.detail
    if host not in {"hub.example.com", "", "*"}:  # these are no addresses at all
        assert "set TASKFLOW_AUTH_SECRET" in error.detail


def test_with_accounts_it_may_listen_elsewhere(file: Path) -> None:
    environ = {"TASKFLOW_HTTP_HOST": "0.0.0.0", "TASKFLOW_AUTH_SECRET": "0123456789abcdef" * 2}
    assert load(environ=environ, file=file).settings.http.host == "0.0.0.0"


@pytest.mark.parametrize("text", ["", " ", "none", " " * 40, "x" * 40])
def test_a_secret_that_is_none_is_refused(text: str, file: Path) -> None:
    """An unset variable of a compose file would leave a hub behind a proxy open to all."""
    with pytest.raises(Misconfigured, match="TASKFLOW_AUTH_SECRET"):
        load(environ={"TASKFLOW_AUTH_SECRET": text}, file=file)


@pytest.mark.parametrize("text", ["", "\n", " \n", "none\n", " " * 40, "x" * 40, "too short to sign\n"])
def test_a_file_with_no_secret_is_refused(text: str, tmp_path: Path, file: Path) -> None:
    """A secret that was not written yet would leave a hub behind a proxy open to all."""
    (tmp_path / "secret").write_text(text)
    with pytest.raises(Misconfigured, match="TASKFLOW_AUTH_SECRET") as refusal:
        load(environ={"TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret")}, file=file)
    assert "too short" not in refusal.value.detail


@pytest.mark.parametrize("name", ["", " ", "/no/such/file"])
def test_a_secret_s_file_that_is_none_is_refused(name: str, file: Path) -> None:
    with pytest.raises(Misconfigured, match="TASKFLOW_AUTH_SECRET_FILE"):
        load(environ={"TASKFLOW_AUTH_SECRET_FILE": name}, file=file)


def test_a_secret_in_a_file_turns_accounts_on(tmp_path: Path, file: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef" * 2 + "\n")
    environ = {"TASKFLOW_HTTP_HOST": "0.0.0.0", "TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret")}
    loaded = load(environ=environ, file=file)
    assert loaded.settings.auth.secret == "0123456789abcdef" * 2
    assert "0123456789abcdef" not in repr(loaded)


def test_a_secret_is_not_printed(file: Path) -> None:
    secret = "0123456789abcdef" * 3
    assert secret not in repr(load(environ={"TASKFLOW_AUTH_SECRET": secret}, file=file))


def test_a_short_secret_is_refused_and_not_shown(file: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load(environ={"TASKFLOW_AUTH_SECRET": "too short to sign"}, file=file)
    assert pointers(refusal.value) == ["TASKFLOW_AUTH_SECRET"]
    assert "32" in refusal.value.detail
    assert "too short" not in refusal.value.detail


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::1", "::1")]
)
def test_every_loopback_address_will_do(host: str, address: str, file: Path) -> None:
    assert load(environ={"TASKFLOW_HTTP_HOST": host}, file=file).settings.http.host == address


@pytest.mark.parametrize("name", ["http://hub", "hub:80", "*.example.com", "a b", "ü.example"])
def test_an_allowed_host_is_a_plain_name(name: str) -> None:
    assert pointers(refused({"TASKFLOW_HTTP_ALLOWED_HOSTS": f"good.example,{name}"})) == [
        "TASKFLOW_HTTP_ALLOWED_HOSTS"
    ]


@pytest.mark.parametrize(
    ("text", "private", "subnets"),
    [
        ("false", False, ()),
        ("0", False, ()),
        ("off", False, ()),
        ("true", True, ()),
        ("1", True, ()),
        ("Yes", True, ()),
        ("127.0.0.0/8", False, ("127.0.0.0/8",)),
        ("10.0.0.0/8, ::1/128", False, ("10.0.0.0/8", "::1/128")),
        ("169.254.169.254", False, ("169.254.169.254/32",)),
    ],
)
def test_allow_private_is_yes_no_or_subnets(
    text: str, private: bool, subnets: tuple[str, ...], file: Path
) -> None:
    allowed = load(environ={"TASKFLOW_NET_ALLOW_PRIVATE": text}, file=file).settings.net.allow_private
    assert (allowed.private, tuple(map(str, allowed.subnets))) == (private, subnets)


@pytest.mark.parametrize(
    ("toml", "loopback"),
    [("true", True), ("false", False), ("['127.0.0.0/8']", True), ("['10.0.0.0/8']", False)],
)
def test_allow_private_in_the_file(toml: str, loopback: bool, file: Path) -> None:
    file.write_text(f"[net]\nallow_private = {toml}\n")
    allowed = load(environ={}, file=file).settings.net.allow_private
    assert allowed.permits(ip_address("127.0.0.1")) is loopback
    assert not allowed.permits(ip_address("169.254.169.254")), "link-local by list only"


@pytest.mark.parametrize("text", ["maybe", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8,nonsense"])
def test_a_subnet_that_is_none_is_refused(text: str) -> None:
    error = refused({"TASKFLOW_NET_ALLOW_PRIVATE": text})
    assert pointers(error) == ["TASKFLOW_NET_ALLOW_PRIVATE"]


# --- the tree itself


def test_every_setting_says_what_it_is() -> None:
    for section, key, field in settings.fields():
        assert field.description, f"{section}.{key} has no description"
        assert field.description.endswith("."), f"{section}.{key}: {field.description}"


def test_settings_do_not_change_once_they_are_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().worker.slots = 3  # type: ignore[misc]


PASSWORD = "a-password-of-the-database"
SECRET = base64.b64encode(bytes(range(32))).decode()


def test_what_is_shown_has_every_setting_and_no_secret() -> None:
    environ = {
        "TASKFLOW_AUTH_SECRET": SECRET,
        "TASKFLOW_SECRETS_KEYS": SECRET,
        "TASKFLOW_DATABASE_URL": f"postgresql://ada:{PASSWORD}@db/hub?sslpassword={PASSWORD}",
        "TASKFLOW_DATABASE_LISTEN_URL": f"postgresql://ada:{PASSWORD}@db/hub",
        "TASKFLOW_BROKER_URL": f"redis://:{PASSWORD}@cache:6379/0",
        "TASKFLOW_HTTP_RATE_PER_KEY": "600",
    }
    loaded = load({"http.port": 8181}, environ=environ, file=Path("/nowhere"))
    seen = {one.name: one for section in settings.shown(*_parts(loaded)) for one in section.settings}
    assert list(seen) == list(names())
    text = repr(seen)
    assert PASSWORD not in text
    assert SECRET not in text
    hidden = {name for name, one in seen.items() if one.redacted}
    assert hidden == {"auth.secret", "secrets.keys", "database.url", "database.listen_url", "broker.url"}
    secret = {f"{section}.{key}" for section, key, field in settings.fields() if not field.repr}
    assert secret <= hidden, "what is declared not to be printed is not shown"
    assert seen["database.url"].value == "postgresql://ada:********@db/hub?sslpassword=********"
    assert (seen["http.port"].value, seen["http.port"].default, seen["http.port"].origin) == (
        8181,
        8080,
        "flag",
    )
    assert (seen["http.rate_per_key"].value, seen["http.rate_per_key"].origin) == (600, "environment")
    assert (seen["http.max_body"].unit, seen["http.keep_alive"].unit) == ("bytes", "seconds")
    assert all(one.description and one.variable == variable(name) for name, one in seen.items())


def test_where_a_value_comes_from_may_not_be_known() -> None:
    seen = [one for section in settings.shown(Settings(), {}) for one in section.settings]
    assert {one.origin for one in seen} == {None}
    assert not any(one.redacted for one in seen), "what is not set needs no hiding"


def _parts(loaded: settings.Loaded) -> tuple[Settings, dict[str, str]]:
    return loaded.settings, loaded.origins
