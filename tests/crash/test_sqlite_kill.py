"""`kill -9`, again and again: what was answered is there, what is there is whole."""

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, TaskError, TaskType
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import Idempotency, NewTask, Submit, Submitted

ROUNDS = 8
CHILDREN = 2
SUBMITTED, ENDED = 60, 20  # by each child, at least
WORKS_S = 30.0
AT_WORK = "at work"
OOPS = TaskError(type="E", message="m")


def test_nothing_answered_is_lost(database_path: Path, tmp_path: Path) -> None:
    """Two processes on one file submit, lease and end tasks; one of them is killed at a random moment, then the other."""
    url = f"sqlite:///{database_path}"
    chance = random.Random(5)
    witnesses: list[Path] = []
    for round_ in range(ROUNDS):
        mine = [tmp_path / f"{round_}-{number}.jsonl" for number in range(CHILDREN)]
        witnesses += mine
        with ExitStack() as children_end:
            children = [start(url, witness, children_end) for witness in mine]
            for child in children:
                assert child.stdout is not None
                assert child.stdout.readline() == f"{AT_WORK}\n", child.stderr and child.stderr.read()
            for child, witness in zip(children, mine, strict=True):
                until_it_has_worked(witness)
                time.sleep(chance.uniform(0.0, 0.15))  # not a wait for anything: it is the random moment
                child.send_signal(signal.SIGKILL)
                assert child.wait(30) == -signal.SIGKILL
                assert child.stderr is not None
                assert child.stderr.read() == ""

    claims = [claim for witness in witnesses for claim in read_claims(witness)]
    submissions = [id for claim in claims for id in claim.get("submitted", ())]
    submitted = set(submissions)
    ended = {id: status for claim in claims for id, status in claim.get("ended", {}).items()}
    print(f"{ROUNDS * CHILDREN} kills, {len(submitted)} tasks submitted, {len(ended)} ended")
    assert len(submitted) == len(submissions), "an id is given once"
    asyncio.run(check(url, database_path, submitted, ended))


def start(url: str, witness: Path, end: ExitStack) -> subprocess.Popen[str]:
    """A child that is gone at the end, whatever has happened."""
    command = [sys.executable, __file__, url, str(witness)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end.enter_context(child)
    end.callback(child.kill)
    return child


def until_it_has_worked(witness: Path) -> None:
    """Until it has claimed as much as every child is to: a file tells nobody that it has grown."""
    give_up = time.monotonic() + WORKS_S
    while True:
        claims = read_claims(witness)
        submitted = sum(len(claim.get("submitted", ())) for claim in claims)
        ended = sum(len(claim.get("ended", ())) for claim in claims)
        if submitted >= SUBMITTED and ended >= ENDED:
            return
        assert time.monotonic() < give_up, f"{submitted} submitted and {ended} ended in {WORKS_S:g} s"
        time.sleep(0.01)


def read_claims(witness: Path) -> list[dict[str, Any]]:
    """What a child has said; its last line may be torn."""
    lines = witness.read_text().split("\n")
    return [json.loads(line) for line in lines[:-1]]


async def check(url: str, path: Path, submitted: set[str], ended: dict[str, str]) -> None:
    store = await SqliteStore.open(url)
    tasks = await store.tasks(sorted(submitted.union(ended)))
    assert submitted.union(ended) - set(tasks) == set(), "an answered submit is lost"
    wrong = {id: (status, tasks[id].status) for id, status in ended.items() if tasks[id].status != status}
    assert not wrong, f"an answered end is lost: {wrong}"
    assert all(bytes(task.payload) == b'{"n":1}' for task in tasks.values())
    for id in list(ended)[:50]:
        attempts = await store.attempts(DEFAULT_ACCOUNT, id)
        assert attempts, "a task that ended has an attempt"
        assert attempts[-1].attempt == tasks[id].attempt
    await store.close()

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def one(sql: str) -> Any:
        return connection.execute(sql).fetchone()[0]

    assert one("SELECT count(*) FROM tasks JOIN finished_tasks USING (id)") == 0, "a task is in both tables"
    assert (
        one("SELECT count(*) FROM tasks WHERE status IN ('success', 'failed', 'cancelled', 'skipped')") == 0
    )
    assert one("SELECT count(*) FROM finished_tasks") == one("SELECT sum(count) FROM rollups"), (
        "each end counted once"
    )
    every = "(SELECT id FROM tasks UNION ALL SELECT id FROM finished_tasks)"
    assert one("SELECT count(*) FROM payloads") == one(f"SELECT count(*) FROM {every}")
    assert one(f"SELECT count(*) FROM task_tags WHERE task_id NOT IN {every}") == 0
    keys = "SELECT count(*) FROM idempotency_keys, json_each(answer) AS a"
    assert one(f"{keys} WHERE json_extract(a.value, '$[0]') NOT IN {every}") == 0, "a key without its task"
    connection.close()


# --- the child ---------------------------------------------------------------------------------------------------------


async def work(url: str, witness: Path) -> None:
    store = await SqliteStore.open(url)
    worker = new_id()
    types = (TaskType(type="t"),)
    await store.register(
        Register(worker=worker, name="w", host="h", pid=1, version="1", slots=50, window=0, types=types)
    )
    out = witness.open("a", buffering=1)

    def say(**claim: Any) -> None:
        out.write(json.dumps(claim) + "\n")

    async def submit() -> None:
        while True:
            key = Idempotency(DEFAULT_ACCOUNT, "/tasks", new_id(), "f")
            requests = [Submit(tuple(task() for _ in range(3))), Submit((task(tags=("x",)),), key)]
            outcomes = await store.submit(requests)
            say(submitted=[task.id for o in outcomes if isinstance(o, Submitted) for task in o.tasks])

    async def run() -> None:
        told = False
        while True:
            leased = await store.lease([worker], 20)
            fences = [
                {"id": lease.assignment.id, "attempt": lease.assignment.attempt} for lease in leased.leases
            ]
            third = len(fences) // 3
            done = [moves.Succeed(**fence, ran_s=0.1, result=Raw(b"{}")) for fence in fences[:-third]]  # type: ignore[arg-type]
            back = [
                moves.Retry(**fence, ran_s=0.1, delay_s=0.0, error=OOPS, outcome=AttemptOutcome.FAILED)  # type: ignore[arg-type]
                for fence in fences[-third:]
            ]
            verdicts, _ = await asyncio.gather(store.succeed(done), store.retry(back))
            assert set(verdicts) <= {Verdict.APPLIED}
            say(ended={move.id: State.SUCCESS for move in done})
            if not told:
                print(AT_WORK, flush=True)
                told = True
            await store.promote_due(100)

    def task(**fields: Any) -> NewTask:
        return NewTask(
            id=new_id(),
            type="t",
            payload=Raw(b'{"n":1}'),
            max_retries=None,
            retry=RetryPolicy(),
            timeout=60.0,
            **fields,
        )

    await asyncio.gather(submit(), run())


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))
