"""`taskflow limit` and what both clients say of limits, against a real hub."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess

from taskflow_hub.client import Client, SyncClient
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.submission import Limit

Run = subprocess.CompletedProcess[str]
Cli = Callable[..., Run]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("limits")) as running:
        yield running


@pytest.fixture
def cli(hub: HubProcess, tmp_path: Path) -> Cli:
    def call(*args: str, status: int = 0) -> Run:
        run = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", "limit", *args],
            cwd=tmp_path,
            env={**os.environ, "TASKFLOW_SERVER": hub.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
        return run

    return call


def test_set_list_unpin_and_forget(cli: Cli) -> None:
    assert cli("list").stderr == "No limits yet. Set one: taskflow limit set KEY --running N\n"
    key = "host:a/../b?c=%2F,running=1"
    run = cli("set", key, "--running", "3", "--per-second", "0.5")
    assert (run.stdout, "at most 3 run at a time, at most 0.5 start per second" in run.stderr) == ("", True)
    assert "pinned" in run.stderr
    heading, row = cli("list").stdout.splitlines()
    assert heading.split() == ["KEY", "RUNNING", "PER", "SECOND", "HELD", "PINNED", "ACCOUNT"]
    assert row.split() == [key, "0/3", "0.5", "0", "pinned", "default"]
    unpinned = json.loads(cli("set", key, "--per-second", "none", "--unpin", "-o", "json").stdout)
    assert unpinned == {
        "account_id": "default",
        "key": key,
        "running": 3,
        "per_second": None,
        "pinned": False,
    }
    assert json.loads(cli("list", "-o", "json").stdout) == [{**unpinned, "active": 0, "held": 0}]
    assert "not limited" in cli("set", key, "--running", "none").stderr
    assert "forgotten" in cli("set", key, "--unpin").stderr
    assert json.loads(cli("list", "-o", "json").stdout) == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["a"], "name what to set"),
        (["a", "--running", "x"], "neither a whole number nor none"),
        (["a", "--per-second", "nan"], "neither a number nor none"),
        (["a", "--per-second", "1e-15"], "--per-second"),
        (["a", "--running", "0"], "running"),
        (["a b", "--running", "1"], "key"),
    ],
)
def test_what_cannot_be_set(cli: Cli, args: list[str], says: str) -> None:
    assert says in cli("set", *args, status=2).stderr


async def test_both_clients(hub: HubProcess) -> None:
    keys = [f"many:{number:03}" for number in range(101)]  # more than one page
    with SyncClient(hub.url) as client:
        for key in keys:
            client.set_limit(key, running=2)
        client.submit("nobody.x", limits=[Limit("many:000", running=9, per_second=5)])
        assert [one.key for one in client.limits() if one.key.startswith("many:")] == keys
        assert next(client.limits()).running == 2
        with pytest.raises(Invalid):
            client.set_limit("a b", running=1)
    async with Client(hub.url) as aclient:
        row = await aclient.set_limit(keys[0], per_second=1.5, pinned=False)
        assert (row.running, row.per_second, row.pinned) == (2, 1.5, False)
        assert [one.key async for one in aclient.limits() if one.key in keys] == keys
