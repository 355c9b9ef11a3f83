"""Behind a real pgbouncer in transaction mode: each transaction may run on another session, and leaves nothing behind."""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import Clock, new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.values import Idempotency, Submit, Submitted
from taskflow_hub.testing.store_contract import OpenStore
from taskflow_hub.testing.store_contract.company import CompanyContract
from taskflow_hub.testing.store_contract.keys import KeysContract
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, new_task
from taskflow_hub.testing.store_contract.leasing import LeasingContract
from taskflow_hub.testing.store_contract.order import OrderContract
from taskflow_hub.testing.store_contract.submitting import SubmittingContract
from taskflow_hub.testing.store_contract.upkeep import UpkeepContract
from taskflow_hub.testing.store_contract.walks import WalksContract

pytestmark = pytest.mark.debian

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=taskflow
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
"""


@pytest.fixture(scope="module")
def pooler(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a pgbouncer with three sessions for everybody."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    port = free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(server=postgres_server.port, port=port))
    file.chmod(0o644)
    for path in (folder, *folder.parents):
        if path == Path("/tmp"):
            break
        path.chmod(path.stat().st_mode | 0o055)
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "pgbouncer is missing: make test-all installs it"
    identity = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    process = subprocess.Popen(  # type: ignore[call-overload]
        [program, str(file)], stderr=subprocess.PIPE, text=True, start_new_session=True, **identity
    )
    for line in process.stderr:
        if "process up" in line:
            break
    # It goes on saying much, and would wait for ever for somebody to hear it.
    listener = threading.Thread(target=process.stderr.read, name="Pooler", daemon=True)
    listener.start()
    yield port
    process.terminate()
    process.wait(10)
    listener.join(10)
    process.stderr.close()


@pytest.fixture
def pooled_url(postgres_tables_url: str, postgres_server: PostgresServer, pooler: int) -> str:
    return f"{postgres_tables_url.replace(f':{postgres_server.port}/', f':{pooler}/')}?statement_cache_size=0&pool_size=8"


class TestBehindAPooler(
    CompanyContract,
    KeysContract,
    LeasingContract,
    OrderContract,
    SubmittingContract,
    UpkeepContract,
    WalksContract,
):
    """Each transaction through whatever session is free: what takes locks over several statements, what processes tell each
    other, days that come and go, and walks that use every verb. The rest of the contract looks at single statements.
    """

    @pytest.fixture
    def open_store(self, pooled_url: str, postgres_tables_url: str) -> OpenStore:
        async def open_one(clock: Clock) -> Store:
            return await PostgresStore.open(
                pooled_url, clock=clock, survey_s=0.0, listen_url=postgres_tables_url
            )

        return open_one


class TestManyBehindAPooler(ContractBase):
    @pytest.fixture
    def open_store(self, pooled_url: str) -> OpenStore:
        async def open_one(clock: Clock) -> Store:
            return await PostgresStore.open(pooled_url, clock=clock, survey_s=0.0)  # and nobody listens

        return open_one

    async def test_more_at_once_than_there_are_sessions(self, kit: Kit) -> None:
        other = await kit.another_store()
        requests = [Submit((new_task(),)) for _ in range(200)]
        outcomes = await asyncio.gather(
            *((kit.store, other)[place % 2].submit([request]) for place, request in enumerate(requests))
        )
        assert all(isinstance(outcome, Submitted) for (outcome,) in outcomes)
        worker = await kit.worker(slots=200)
        leased = await kit.lease(worker)
        assert {assignment.id for assignment in leased} == {request.tasks[0].id for request in requests}
        await asyncio.gather(
            *(
                store.succeed([moves.Succeed(id=a.id, attempt=a.attempt, ran_s=0.1) for a in some])
                for store, some in ((kit.store, leased[::2]), (other, leased[1::2]))
            )
        )
        assert {task.status for task in (await kit.store.tasks([a.id for a in leased])).values()} == {
            State.SUCCESS
        }

    async def test_one_key_used_by_many_at_once_is_one_task(self, kit: Kit) -> None:
        other = await kit.another_store()
        key = Idempotency("default", "POST /tasks", new_id(), "same")
        outcomes = await asyncio.gather(
            *((kit.store, other)[n % 2].submit([Submit((new_task(),), idempotency=key)]) for n in range(40))
        )
        found = [outcome for (outcome,) in outcomes if isinstance(outcome, Submitted)]
        assert len(found) == 40
        assert len({outcome.tasks[0].id for outcome in found}) == 1
        assert sum(not outcome.replayed for outcome in found) == 1

    async def test_who_cannot_listen_looks_for_itself(self, kit: Kit) -> None:
        assert await kit.store.changed(0.01), "something may have changed, for nobody would tell"
