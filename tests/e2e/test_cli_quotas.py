"""`taskflow quota`, `taskflow queue limit`, and what both clients say of them, against a real hub."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess

from taskflow_hub.client import Client, SyncClient
from taskflow_hub.domain.errors import Invalid, NotFound, QueueFull, QuotaExceeded

Run = subprocess.CompletedProcess[str]
Cli = Callable[..., Run]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("quotas")) as running:
        yield running


@pytest.fixture
def cli(hub: HubProcess, tmp_path: Path) -> Cli:
    def call(*args: str, status: int = 0) -> Run:
        run = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", *args],
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


def test_a_quota_is_set_shown_met_and_lifted(cli: Cli) -> None:
    listed = cli("quota", "list", "-o", "json")
    assert (listed.stdout.strip(), listed.stderr) == ("[]", "")
    assert cli("quota", "list").stderr.startswith(
        "No account has a quota yet. Set one: taskflow quota set ACCOUNT"
    )
    run = cli("quota", "set", "default", "--per-day", "5", "--queued", "1", "--weight", "2.5")
    assert run.stderr == "Account default may submit 5 a day, have 1 waiting; its weight is 2.5.\n"
    cli("task", "submit", "nobody.serves.this")
    refused = cli("task", "submit", "nobody.serves.this", status=5)
    assert "may have 1 task waiting, and has 1" in refused.stderr
    assert "taskflow quota show" in refused.stderr
    rows = [line.split() for line in cli("quota", "show").stdout.splitlines()]
    assert rows == [
        ["QUOTA", "AT", "MOST", "USED"],
        ["submits", "per", "minute", "any", "1"],
        ["submits", "per", "day", "5", "1"],
        ["waiting", "1", "1"],
        ["running", "any", "0"],
        ["weight", "2.5", "–"],
    ]
    heading, row = cli("quota", "list").stdout.splitlines()
    assert heading.split() == ["ACCOUNT", "PER", "MINUTE", "PER", "DAY", "WAITING", "RUNNING", "WEIGHT"]
    assert row.split() == ["default", "any", "5", "1", "any", "2.5"]
    lifted = cli(
        "quota", "set", "default", "--per-day", "none", "--queued", "none", "--weight", "none", "-o", "json"
    )
    assert json.loads(lifted.stdout) == {
        "account_id": "default",
        "per_minute": None,
        "per_day": None,
        "queued": None,
        "running": None,
        "weight": 1.0,
        "used": {"in_minute": None, "in_day": None, "queued": None, "running": 0},
    }
    assert json.loads(cli("quota", "show", "default", "-o", "json").stdout) == json.loads(lifted.stdout)
    assert "as many tasks as it likes" in lifted.stderr


@pytest.mark.parametrize(
    ("args", "says", "status"),
    [
        (["quota", "set", "default"], "name what to set", 2),
        (["quota", "set", "default", "--per-day", "x"], "neither a whole number nor none", 2),
        (["quota", "set", "default", "--running", "0"], "--running", 2),
        (["quota", "set", "default", "--weight", "0"], "--weight", 2),
        (["quota", "set", "nobody", "--running", "1"], "There is no account nobody", 3),
        (["quota", "set", "Not One", "--running", "1"], "ACCOUNT: is not an account's id", 2),
        (["quota", "show", "Not One"], "ACCOUNT: is not an account's id", 2),
        (["quota", "show", "nobody"], "There is no account nobody", 3),
        (["queue", "limit", "q"], "name what to set", 2),
        (["queue", "limit", "q", "--per-second", "0"], "--per-second", 2),
        (["queue", "limit", "q", "--per-second", "1e-15"], "--per-second", 2),
        (["queue", "limit", "q", "--max-size", "-1"], "--max-size", 2),
    ],
)
def test_what_cannot_be_set(cli: Cli, args: list[str], says: str, status: int) -> None:
    assert says in cli(*args, status=status).stderr


def test_a_queue_is_limited_and_listed(cli: Cli) -> None:
    run = cli("queue", "limit", "narrow", "--max-size", "1", "--running", "3")
    assert run.stderr == "Queue narrow: at most 1 may wait, at most 3 run at a time.\n"
    cli("task", "submit", "nobody.serves.this", "--queue", "narrow")
    changed = json.loads(cli("queue", "limit", "narrow", "--per-second", "0.5", "-o", "json").stdout)
    assert (changed["max_size"], changed["running"], changed["per_second"]) == (1, 3, 0.5)
    assert (changed["active"], changed["full"]) == (0, ["max_size"])
    listed = cli("queue", "list").stdout
    assert "at most 1 may wait (full); at most 3 run at a time; at most 0.5 start per second" in listed
    run = cli("queue", "limit", "narrow", "--max-size", "none", "--running", "none", "--per-second", "none")
    assert run.stderr == "Queue narrow: as many tasks may wait, run and start as do.\n"


async def test_both_clients(hub: HubProcess) -> None:
    with SyncClient(hub.url) as client:
        quota = client.set_quota("default", per_minute=0, running=7)
        assert (quota.per_minute, quota.running) == (0, 7)
        with pytest.raises(QuotaExceeded, match="may submit 0 tasks a minute") as raised:
            client.submit("nobody.x")
        assert raised.value.retry_after_s is not None
        assert [one.running for one in client.quotas()] == [7]
        assert client.set_quota("default", per_minute=None).running == 7
        with pytest.raises(Invalid):
            client.set_quota("default")
        with pytest.raises(NotFound):
            client.quota("nobody")
        queue = client.update_queue("steered", max_size=0, per_second=5)
        assert (queue.max_size, queue.running, queue.per_second, queue.full) == (0, None, 5.0, ("max_size",))
        with pytest.raises(QueueFull):
            client.submit("nobody.x", queue="steered")
        assert client.update_queue("steered", max_size=None).per_second == 5.0
    async with Client(hub.url) as aclient:
        assert [one.account_id async for one in aclient.quotas()] == ["default"]
        assert (await aclient.set_quota("default", running=None)).running is None
        assert (await aclient.quota()).weight == 1.0
        assert (await aclient.update_queue("steered", per_second=None)).per_second is None
