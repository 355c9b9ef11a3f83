"""The process from outside: how it starts, refuses to start, and ends."""

import http.client
import re
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .service import APP, PRODUCT, TIMEOUT_S, Service, environ


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_stops_the_intake_and_drains_all_that_was_accepted(number: signal.Signals) -> None:
    with Service("--hold", "work", WORKERS="2", QUEUE_SIZE="5") as service:
        for task in range(7):
            assert service.post(id=str(task))[0] == 202
            if task < 2:
                service.wait_for(f"^start id={task}$")
        service.signal(number)
        service.wait_for("^shutting down ")
        assert service.post(id="late") == (503, b"shutting down\n")
        assert service.ask("GET", "/healthz")[:2] == (200, b"ok")
        assert service.ask("POST", "/enqueue", b"no JSON")[:2] == (503, b"shutting down\n")
        assert service.ask("POST", "/enqueue", b"x" * (1 << 20) + b"x")[0] == 413
        assert service.ask("GET", "/enqueue")[0] == 405
        stats = service.read("/stats")
        assert (stats["queued"], stats["running"], stats["accepting"]) == (5, 2, False)
        service.let_go()
        assert service.exit_status() == 0
        assert sorted(found[1] for found in service.matches(r"^done id=(\d) ")) == list("0123456")
        assert not service.matches("id=late|Traceback")


def test_an_idle_service_ends_at_once() -> None:
    with Service(program=PRODUCT) as service:
        service.signal(signal.SIGTERM)
        assert service.exit_status() == 0


def test_a_pause_before_a_retry_is_waited_for_and_the_retry_made() -> None:
    with Service("--failures", "1", "--hold", "sleep") as service:
        assert service.post(id="pausing", max_retries=1)[0] == 202
        service.wait_for("^sleep ")
        service.signal(signal.SIGTERM)
        service.wait_for("^shutting down ")
        assert service.read("/tasks/pausing")["status"] == "running"
        service.let_go()
        assert service.exit_status() == 0
        assert service.matches("^done id=pausing attempts=2 ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_second_signal_gives_up(number: signal.Signals) -> None:
    with Service("--hold", "work") as service:
        assert service.post(id="lost")[0] == 202
        service.wait_for("^start id=lost$")
        service.signal(signal.SIGTERM)
        service.wait_for("^shutting down ")
        service.signal(number)
        assert service.exit_status() == 128 + number
        assert service.matches("^stopped .*running=1 ")
        assert not service.matches("Traceback")


def test_a_signal_that_comes_twice_at_once_is_one() -> None:
    """As when a supervisor signals a whole group, and the wrapper in it passes the signal on."""
    with Service("--hold", "work", "--same-signal", "1000") as service:
        assert service.post(id="kept")[0] == 202
        service.signal(signal.SIGTERM)
        service.wait_for("^shutting down ")
        service.signal(signal.SIGTERM, signal.SIGINT)
        assert service.post(id="late")[0] == 503
        service.let_go()
        assert service.exit_status() == 0
        assert service.matches("^done id=kept ")


def test_who_keeps_a_connection_open_or_is_in_the_middle_of_a_request_keeps_nobody() -> None:
    with Service() as service, service.connect() as idle, service.connect() as halfway:
        halfway.sendall(b"POST /enqueue HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
        kept = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
        kept.request("GET", "/healthz")
        assert kept.getresponse().read() == b"ok"
        service.signal(signal.SIGTERM)
        assert service.exit_status() == 0
        assert idle.recv(1) == b""
        kept.close()


@pytest.mark.parametrize(
    "nonsense",
    [
        {"WORKERS": "abc"},
        {"WORKERS": "0", "QUEUE_SIZE": "-5", "ERROR_RATE": "101", "PORT": "http"},
        {"WORKERS": "-1", "QUEUE_SIZE": "0", "ERROR_RATE": "-1"},
    ],
    ids=["one", "four", "three"],
)
def test_nonsense_in_the_environment_is_named_all_at_once_and_nothing_starts(
    nonsense: dict[str, str],
) -> None:
    process = _refused(**nonsense)
    said = process.communicate(timeout=TIMEOUT_S)[1].splitlines()
    assert process.returncode == 1
    for line, (name, value) in zip(said, nonsense.items(), strict=True):
        assert re.fullmatch(
            rf"{name} must be a whole number from \d+ to \d+, not '{value}'\. Try {name}=\d+", line
        )


def test_an_address_that_cannot_be_listened_on_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        started = [_refused(PORT=port), _refused(HOST="256.1.1.1"), _refused(HOST="x" * 70)]
        for process in started:
            said = process.communicate(timeout=TIMEOUT_S)[1]
            assert process.returncode == 1
            assert said.startswith("Cannot listen on ")
            assert "Choose another HOST or PORT" in said
            assert "Traceback" not in said


def _refused(**settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, *PRODUCT]
    return subprocess.Popen(command, env=environ(**settings), stderr=subprocess.PIPE, text=True, cwd="/")


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a virtual environment with nothing installed."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    assert list(packages.iterdir()) == []
    return str(folder / "bin" / "python")


def test_it_runs_where_nothing_is_installed(bare_python: str) -> None:
    with Service(program=PRODUCT, python=bare_python) as service:
        assert service.post(id="bare")[0] == 202
        service.wait_for("(done|failed) id=bare ")
        assert service.ask("GET", "/docs")[0] == 200


def test_what_is_built_is_one_file_that_runs_there_too(bare_python: str, tmp_path: Path) -> None:
    built = tmp_path / "memory-queue.pyz"
    subprocess.run(["make", "-C", APP, "build", f"BUILT={built}"], check=True, capture_output=True)
    assert {name for name in zipfile.ZipFile(built).namelist() if "__pycache__" in name} == set()
    with Service(program=(str(built),), python=bare_python) as service:
        assert service.post(id="built")[0] == 202
        assert service.ask("GET", "/docs/openapi.json")[0] == 200
        service.signal(signal.SIGTERM)
        assert service.exit_status() == 0
