"""What the README shows is what happens; what it names is there."""

import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from memory_queue.config import _NUMBERS

from .service import APP, TIMEOUT_S, Service, environ

README = (APP / "README.md").read_text()
COMMAND = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
SHOWN = [
    found
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for found in COMMAND.findall(block)
]


@pytest.fixture(scope="module")
def started() -> Iterator[Service]:
    """By the first command that is shown; stopped as by Ctrl-C, which make passes on and waits for."""
    assert SHOWN[0][0] == "make start"
    with Service("-C", str(APP), "start", program=(), python="make") as service:
        yield service
        service.signal(signal.SIGTERM)
        service.wait_for(" stopped queued=0 running=0 ")


def test_the_session_goes_as_shown(started: Service) -> None:
    listening = started.wait_for(" listening ")[0].string.replace(f":{started.port}", ":8080")
    expect(listening.replace("port=0", "port=8080"), SHOWN[0][1])
    assert len(SHOWN) > 4
    for command, answer in SHOWN[1:]:
        typed = command.replace("curl ", "curl --silent --show-error ").replace(":8080", f":{started.port}")
        ran = subprocess.run(
            ["bash", "-c", typed], check=True, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        expect(ran.stdout, answer)


def expect(said: str, shown: str) -> None:
    """`…` stands for anything."""
    pattern = ".+".join(re.escape(part) for part in shown.strip().split("…"))
    assert re.fullmatch(pattern, said.strip()), f"{said!r} is not {shown!r}"


def test_every_setting_is_told_of_with_its_default_and_bounds() -> None:
    for name, (default, least, most) in _NUMBERS.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        assert row.startswith(f"| `{name}` | {default} |")
        assert name == "PORT" or f"{least} to {most:,}".replace(",", " ") in row
    assert "| `HOST` | 127.0.0.1 |" in README


def test_every_target_and_every_module_is_told_of() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (APP / "Makefile").read_text(), re.MULTILINE))
    assert targets - set(re.findall(r"make ([a-z-]+)", README)) == {"picture", "clean", "help"}
    modules = {path.name for path in (APP / "src" / "memory_queue").glob("[a-z]*.py")}
    assert modules == set(re.findall(r"^\| `(\w+\.py)` \|", README, re.MULTILINE))


def test_links_lead_somewhere() -> None:
    targets = [a or b for a, b in re.findall(r'\]\((?!http)([^)#]+)|src="([^"]+)"', README)]
    assert "terminal.svg" in targets
    apart = not (APP / "../../docs").exists()  # taken out of the repository
    assert [at for at in targets if not (APP / at).exists() and not (apart and at.startswith("../../"))] == []


def test_the_picture_is_of_this_service() -> None:
    picture = re.sub(r"<[^>]+>", "", (APP / "terminal.svg").read_text())
    for words in (
        '{"status":"queued"}',
        "queue full",
        "shutting down",
        "enqueue rejected: full id=d",
        "stopped queued=0",
    ):
        assert words in picture
    assert not re.search(r"/(?:work|root|home|tmp)/", picture)


def test_an_error_is_word_for_word_what_the_troubles_say() -> None:
    said = subprocess.run(
        ["make", "-C", APP, "start"], env=environ(WORKERS="abc"), capture_output=True, text=True, check=False
    )
    assert said.returncode == 2  # make's own
    assert f"| `{said.stderr.splitlines()[0]}` |" in README
