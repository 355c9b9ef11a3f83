"""Secret fields: a task is shown with a mask in their place, wherever it is read; the assignment has what was stored."""

from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.errors import IdempotencyMismatch
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason, Task, TaskType
from taskflow_hub.store.values import Idempotency, Submit, Submitted, TaskFilter
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit, new_task

SEALED = Raw(b'{"n":1e400, "password":{"$secret":"v1.0123abcd.AAAA_-09"},"a":[{"$secret":"v1.0123abcd.BB"}]}')
SHOWN = b'{"n":1e400, "password":{"$secret":true},"a":[{"$secret":true}]}'


class SecretFieldsContract(ContractBase):
    async def test_a_task_is_shown_without_its_secrets(self, kit: Kit) -> None:
        worker = await kit.worker("t")
        (submitted,) = await kit.submit_all([new_task(type="t", payload=SEALED, tags=("x",))])
        many = await kit.submit_all([new_task(type="t", payload=SEALED, delay_s=60.0) for _ in range(3)])
        assert {bytes(task.payload) for task in (submitted, *many)} == {SHOWN}
        (assignment,) = await kit.lease(worker)
        assert bytes(assignment.payload) == bytes(SEALED), "to the byte"
        seen = [await kit.get(submitted.id)]
        seen += (await kit.store.tasks([submitted.id])).values()
        seen += (await kit.store.search(DEFAULT_ACCOUNT, TaskFilter(), limit=10)).items
        seen += [task for task in await kit.store.cancel(DEFAULT_ACCOUNT, [many[0].id]) if task]
        error = moves.Fail(id=submitted.id, attempt=1, ran_s=0.1, reason=Reason.HANDLER, error=OOPS)
        await kit.store.fail([error])
        seen += [
            await kit.get(submitted.id),
            *(await kit.store.search(DEFAULT_ACCOUNT, TaskFilter(), limit=10)).items,
        ]
        redriven = await kit.store.redrive(DEFAULT_ACCOUNT, [submitted.id])
        seen += [task for task in redriven if isinstance(task, Task)]
        assert len(seen) == 13
        assert {bytes(task.payload) for task in seen} == {SHOWN}
        (assignment,) = await kit.lease(worker)
        assert bytes(assignment.payload) == bytes(SEALED), "after all that"

    async def test_a_request_is_known_by_any_of_its_fingerprints(self, kit: Kit) -> None:
        """Which of them was kept depends on the keys there were."""
        first = await kit.submit_request(
            Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "r", "k", "by the old key", also=("bare",)))
        )
        assert isinstance(first, Submitted)
        for fingerprint, also in (("by the new key", ("by the old key", "bare")), ("by the old key", ())):
            again = await kit.submit_request(
                Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "r", "k", fingerprint, also=also))
            )
            assert isinstance(again, Submitted)
            assert again.replayed
            assert again.tasks[0].id == first.tasks[0].id
        other = await kit.submit_request(
            Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "r", "k", "another", also=("bare",)))
        )
        assert isinstance(other, IdempotencyMismatch), "what is kept is one of them only"

    async def test_which_fields_are_secret_is_kept(self, kit: Kit) -> None:
        declared = TaskType(type="t", secret=("/accounts/*/token", "/password"))
        await kit.worker(declared)
        assert await kit.store.task_types() == [declared]
