"""What is known about task types: their defaults, and whether a payload fits."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET, Raw

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.graph import Template
from taskflow_hub.domain.model import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_QUEUE,
    DEFAULT_TIMEOUT_S,
    NO_TERMS,
    TaskType,
    Terms,
)
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.schedule_spec import TaskTemplate
from taskflow_hub.domain.submission import (
    MAX_LIMITS,
    Limit,
    Submission,
    check_limits,
    check_texts,
    check_times,
)
from taskflow_hub.domain.type_limits import merged
from taskflow_hub.domain.workflow import NodeSubmission
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.payloads import Format, Payloads
from taskflow_hub.engine.remembered import Remembered
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.base import WorkerStore
from taskflow_hub.store.values import NewTask

Known = Mapping[str, Terms]  # by type
NOTHING_KNOWN: Final[Known] = MappingProxyType({})
FRESH_S: Final = 1.0  # how long another process's registration may go unnoticed


class TaskTypes:
    """Turns a submission into a task that the store can insert. Remembers what workers declared, for at most FRESH_S."""

    def __init__(
        self,
        store: WorkerStore,
        hints: Hints,
        *,
        formats: Mapping[str, Format],
        strict: bool,
        new_id: Callable[[], str],
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self._strict, self._new_id, self._keyring = strict, new_id, keyring
        self._store, self._payloads = store, Payloads(formats)
        self._declared: Remembered[dict[str, TaskType]] = Remembered(self._read, fresh_s=FRESH_S)
        self._types: dict[str, TaskType] = {}
        hints.on(Topic.TYPES, self._declared.forget)

    async def all(self) -> list[TaskType]:
        return list((await self._declared.get()).values())

    async def refresh(self) -> None:
        """Know what workers have declared, at most FRESH_S ago."""
        self._types = await self._declared.get()

    def queue_of(self, wanted: Submission | NodeSubmission | TaskTemplate) -> str:
        """Where it will wait. Call `refresh` first."""
        declared = self._types.get(wanted.type or "")
        return wanted.queue or (declared.queue if declared else DEFAULT_QUEUE)

    def secret_of(self, type: str, known: Known) -> tuple[str, ...]:
        """The secret fields of a type, as a worker has declared them or whoever submits knows them. Call `refresh` first."""
        declared, own = self._types.get(type), known.get(type, NO_TERMS).secret
        if declared is None or not declared.secret:
            return own
        return tuple(sorted({*declared.secret, *own})) if own else declared.secret

    def secrets(self) -> dict[str, tuple[str, ...]]:
        """The secret fields of each type of which a worker has declared any. Call `refresh` first."""
        return {type: declared.secret for type, declared in self._types.items() if declared.secret}

    def limits_of(self, type: str, known: Known) -> tuple[Limit, ...]:
        """The type's limits, as whoever submits knows them, else as a worker has declared them. Call `refresh` first."""
        declared, own = self._types.get(type), known.get(type, NO_TERMS).limits
        return own or (() if declared is None else declared.limits)

    def result_schema(self, type: str) -> Mapping[str, Any] | None:
        """What a worker has declared that tasks of the type answer with. Call `refresh` first."""
        declared = self._types.get(type)
        return None if declared is None else declared.result_schema

    async def _read(self) -> dict[str, TaskType]:
        return {declared.type: declared for declared in await self._store.task_types()}

    def complete(
        self,
        wanted: Submission,
        *,
        account: str,
        user: str | None,
        traceparent: str | None,
        parent_id: str | None,
        at: str,
        known: Known = NOTHING_KNOWN,
    ) -> NewTask:
        """Fill in the type's defaults and limits, check the payload and encrypt its secret fields; `at` is the submission's
        pointer in the request, `known` what whoever submits knows of types by itself.

        Call `refresh` first. Raises Invalid naming each field that is wrong, NoSecretKeys.
        """
        declared, id = self._declared_as(wanted.type, at), self._new_id()
        payload, limits = wanted.payload, wanted.limits
        check_times(wanted, at)
        check_texts(wanted, at)
        check_limits(wanted.limits, at)
        self._payloads.check(bytes(payload), declared, f"{at}/payload")
        if known or (declared is not None and (declared.secret or declared.limits)):
            secret = self.secret_of(wanted.type, known)
            if stated := self.limits_of(wanted.type, known):
                limits = merged(stated, limits, payload, type=wanted.type, secret=secret, at=at)
            payload = (
                self._keyring.seal_payload(payload, secret, type=wanted.type, id=id) if secret else payload
            )
        return NewTask(
            id=id,
            account_id=account,
            user_id=user,
            type=wanted.type,
            queue=wanted.queue,
            priority=wanted.priority,
            payload=payload,
            run_at=wanted.run_at,
            delay_s=wanted.delay,
            max_retries=_default(
                wanted.max_retries, declared.max_retries if declared else DEFAULT_MAX_RETRIES
            ),
            retry=_default(wanted.retry, declared.retry if declared else RetryPolicy()),
            timeout=_default(wanted.timeout, declared.timeout if declared else DEFAULT_TIMEOUT_S),
            expires_at=wanted.expires_at,
            tags=wanted.tags,
            unique=wanted.unique,
            limits=limits,
            parent_id=parent_id,
            traceparent=traceparent,
        )

    def template(self, node: NodeSubmission, at: str, *, known: Known = NOTHING_KNOWN) -> Template:
        """How the tasks of a workflow's node are made, but for their payload; `at` is the node's pointer in the request.

        Call `refresh` first. Raises Invalid naming each field that is wrong.
        """
        assert node.type is not None
        declared = self._declared_as(node.type, at)
        stated = self.limits_of(node.type, known)
        keys = {limit.key for limit in (*stated, *node.limits)}
        if len(keys) > MAX_LIMITS:
            raise Invalid.field(
                f"{at}/limits",
                f"with those that {node.type} has by itself these are {len(keys)} limits, at most {MAX_LIMITS} are allowed",
            )
        return Template(
            type=node.type,
            queue=node.queue,
            priority=node.priority,
            max_retries=_default(node.max_retries, declared.max_retries if declared else DEFAULT_MAX_RETRIES),
            retry=_default(node.retry, declared.retry if declared else RetryPolicy()),
            timeout=_default(node.timeout, declared.timeout if declared else DEFAULT_TIMEOUT_S),
            tags=node.tags,
            limits=node.limits,
            stated=stated,
            secret=self.secret_of(node.type, known),
        )

    def check_payload(self, type: str, payload: bytes, at: str, *, holes: Collection[str] = ()) -> None:
        """As far as it is known: at the pointers in `holes` a null stands for what is not. Raises TooLarge, Invalid."""
        self._payloads.check(payload, self._types.get(type), at, holes=holes)

    def sealed(self, payload: Raw, secret: tuple[str, ...], *, type: str, id: str) -> Raw:
        """With the secret fields that it has encrypted for the task `id`. Raises NoSecretKeys."""
        return self._keyring.seal_payload(payload, secret, type=type, id=id) if secret else payload

    def _declared_as(self, type: str, at: str) -> TaskType | None:
        declared = self._types.get(type)
        if declared is None and self._strict:
            raise Invalid.field(f"{at}/type", f"no worker has ever registered {type!r}")
        return declared


def _default(given: Any, default: Any) -> Any:
    return default if given is UNSET else given
