"""A command line is used a hundred times a day: what it does not need it does not import. And its reference is complete."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from taskflow_hub.cli import reference
from taskflow_hub.cli.main import app

HEAVY = ("asyncio", "fastapi", "httpx", "msgspec", "pydantic", "rich", "sqlalchemy", "structlog", "uvicorn")
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
NOBODY = ("--server", "http://127.0.0.1:1")


def imported(*args: str) -> set[str]:
    """Which of HEAVY a command has imported by its end."""
    script = (
        "import sys; from taskflow_hub.cli.main import run; run(sys.argv[1:]);"
        f"print('heavy:', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)
    return set(run.stdout.rpartition("heavy:")[2].split())


@pytest.mark.parametrize(
    "args", [("--help",), ("task", "--help"), ("task", "submit", "--help"), ("up", "--help")]
)
def test_help_imports_nothing_heavy(args: tuple[str, ...]) -> None:
    assert imported(*args) == set()


def test_the_version_imports_nothing_heavy() -> None:
    assert imported("--version") == set()


@pytest.mark.parametrize(
    "args",
    [
        ("task", "get", "x"),
        ("task", "list"),
        ("task", "submit", "demo.noop", "n:=1", "--delay", "5m", "-p", "3"),
    ],
)
def test_a_command_imports_what_http_needs_and_no_more(args: tuple[str, ...]) -> None:
    assert imported(*args, *NOBODY) <= {"httpx", "msgspec"}


def commands(group: Any, path: str) -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        nested = (
            commands(command, f"{path} {name}")
            if hasattr(command, "commands")
            else [(f"{path} {name}", command)]
        )
        found += nested
    return found


ALL = commands(typer.main.get_command(app), "taskflow")


@pytest.mark.parametrize("command", [command for _, command in ALL], ids=[path for path, _ in ALL])
def test_every_command_and_parameter_explains_itself(command: Any) -> None:
    assert command.help
    assert command.help.split("\n")[0].endswith("."), "one sentence, which lists of commands show"
    for param in command.params:
        assert param.help, param.name
        assert param.metavar or param.is_flag, f"{param.name} says what to write"


def test_the_reference_is_that_of_the_commands() -> None:
    assert DOCS.read_text(encoding="utf-8") == reference.document(), "make it anew: see its second line"
