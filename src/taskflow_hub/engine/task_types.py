"""What is known about task types: their defaults, and whether a payload fits."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import jsonschema_rs
from msgspec import UNSET

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import FieldError, Invalid, TooLarge
from taskflow_hub.domain.model import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_S, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Submission
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.store.base import NewTask, WorkerStore

MAX_PAYLOAD: Final = 1_048_576
MAX_ERRORS: Final = 20  # of one payload, so that a hostile one cannot make a large answer
FRESH_S: Final = 1.0  # how long another process's registration may go unnoticed
Format = Callable[[str], str | None]  # what is wrong with the text, or None


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
    ) -> None:
        self._store, self._formats, self._strict, self._new_id = store, formats, strict, new_id
        self._types: dict[str, TaskType] = {}
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        hints.on(Topic.TYPES, self.forget)

    def forget(self) -> None:
        """Read anew at the next use."""
        self._read_at = float("-inf")

    async def all(self) -> list[TaskType]:
        await self.refresh()
        return list(self._types.values())

    async def refresh(self) -> None:
        if time.monotonic() - self._read_at < FRESH_S:
            return
        async with self._reading:
            if time.monotonic() - self._read_at < FRESH_S:
                return
            began = time.monotonic()
            types = {declared.type: declared for declared in await self._store.task_types()}
            self._validators = {
                name: validator
                for name, validator in self._validators.items()
                if name in types and types[name].payload_schema == self._types[name].payload_schema
            }
            self._types, self._read_at = types, began

    def complete(
        self,
        wanted: Submission,
        *,
        account: str,
        user: str | None,
        traceparent: str | None,
        parent_id: str | None,
        at: str,
    ) -> NewTask:
        """Fill in the type's defaults and check the payload; `at` is the submission's pointer in the request.

        Call `refresh` first. Raises Invalid naming each field that is wrong.
        """
        declared = self._types.get(wanted.type)
        if declared is None and self._strict:
            raise Invalid.field(f"{at}/type", f"no worker has ever registered {wanted.type!r}")
        if wanted.run_at is not None and wanted.delay is not None:
            raise Invalid.field(f"{at}/delay", "run_at and delay exclude each other")
        self._check_payload(bytes(wanted.payload), declared, f"{at}/payload")
        return NewTask(
            id=self._new_id(),
            account_id=account,
            user_id=user,
            type=wanted.type,
            queue=wanted.queue,
            priority=wanted.priority,
            payload=wanted.payload,
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
            parent_id=parent_id,
            traceparent=traceparent,
        )

    def _check_payload(self, payload: bytes, declared: TaskType | None, at: str) -> None:
        if len(payload) > MAX_PAYLOAD:
            raise TooLarge(f"The payload has {len(payload)} bytes; at most {MAX_PAYLOAD} are allowed.")
        value = jsontext.decode_any(payload, at)
        if not isinstance(value, dict):
            raise Invalid.field(at, "must be a JSON object: its members are the handler's parameters")
        if declared is not None and declared.payload_schema:
            errors = [self._explain(error, at) for error in self._validator(declared).iter_errors(value)]
            if errors:
                shown = errors[:MAX_ERRORS]
                raise Invalid(f"{shown[0].pointer}: {shown[0].detail}", errors=shown)

    def _validator(self, declared: TaskType) -> jsonschema_rs.Validator:
        validator = self._validators.get(declared.type)
        if validator is None:
            checks = {name: _passes(check) for name, check in self._formats.items()}
            validator = jsonschema_rs.validator_for(
                declared.payload_schema, formats=checks, validate_formats=True
            )
            self._validators[declared.type] = validator
        return validator

    def _explain(self, error: Any, at: str) -> FieldError:
        pointer = at + "".join(
            "/" + str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path
        )
        failed = error.schema_path[-1] if error.schema_path else None
        if failed == "format" and isinstance(error.instance, str):
            for check in self._formats.values():
                if (reason := check(error.instance)) is not None:
                    return FieldError(pointer, reason)
        return FieldError(pointer, str(error.message)[:300])


def _passes(check: Format) -> Callable[[str], bool]:
    return lambda text: check(text) is None


def _default(given: Any, default: Any) -> Any:
    return default if given is UNSET else given
