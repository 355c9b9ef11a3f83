"""The store's contract, on PostgreSQL."""

from collections.abc import Awaitable

import pytest

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.values import Submit, Submitted
from taskflow_hub.testing.store_contract import OpenStore, StoreContract
from taskflow_hub.testing.store_contract.kit import Kit, new_task


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def open_store(self, postgres_tables_url: str) -> OpenStore:
        def open_one(clock: Clock) -> Awaitable[Store]:
            # No pause between surveys: what another store of the test has just done is found by the very next lease.
            return PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0)

        return open_one

    async def test_a_limit_that_would_not_be_kept_is_refused(self, kit: Kit) -> None:
        """Until PostgreSQL keeps them (docs/adr/0050)."""
        limited = new_task(limits=(Limit("host:a", running=3),))
        outcomes = await kit.store.submit(
            [Submit((new_task(),)), Submit((new_task(), limited)), Submit((new_task(),))]
        )
        assert [type(outcome) for outcome in outcomes] == [Submitted, Invalid, Submitted]
        assert isinstance(outcomes[1], Invalid)
        assert outcomes[1].errors[0].pointer == "/tasks/1/limits"
        assert await kit.store.task("default", limited.id) is None
