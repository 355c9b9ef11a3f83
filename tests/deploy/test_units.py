"""The units give a process the time to hand back what it runs, and little else."""

import configparser
import shlex
from pathlib import Path
from typing import Final

import pytest
import typer

from taskflow_hub.cli.main import app
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.worker.settings import WorkerSettings

UNITS: Final = Path(__file__).parents[2] / "deploy" / "systemd"
GRACE_S: Final = {
    "taskflow-server.service": HttpSettings().stop_grace,
    "taskflow-worker@.service": WorkerSettings().grace,
}


@pytest.mark.parametrize("name", list(GRACE_S))
def test_unit(name: str) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / name)
    service = unit["Service"]
    program, *typed = shlex.split(service["ExecStart"])
    assert program.endswith("/taskflow")
    command = typer.main.get_command(app)
    for word in typed[: 2 if typed[0] == "worker" else 1]:
        command = command.commands[word]  # type: ignore[attr-defined]
    assert {word for word in typed if word.startswith("--")} <= {
        option for param in command.params for option in param.opts
    }
    assert int(service["TimeoutStopSec"]) > GRACE_S[name]
    assert service["KillSignal"] == "SIGTERM"
    assert service["Restart"] == "always"
    assert service["NoNewPrivileges"] == service["DynamicUser"] == "yes"
    assert service["ProtectSystem"] == "strict"
