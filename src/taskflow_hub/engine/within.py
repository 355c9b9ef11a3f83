"""Submits within a transaction of the caller's own: checked here, and stored by a statement on the caller's connection."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import UNSET
from msgspec.structs import replace

from taskflow_hub import tracing
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid, TaskflowError
from taskflow_hub.domain.model import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_S, NO_TERMS, Terms
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import OnConflict, Submission, check_limits, check_texts, check_times
from taskflow_hub.domain.type_limits import merged
from taskflow_hub.engine.idempotency import blinded
from taskflow_hub.engine.payloads import Payloads
from taskflow_hub.engine.task_types import NOTHING_KNOWN, Known
from taskflow_hub.engine.tasks import repointed
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.values import Bare, Draft, Idempotency, NewTask

DEFAULTS: Final = {"max_retries": DEFAULT_MAX_RETRIES, "retry": RetryPolicy(), "timeout": DEFAULT_TIMEOUT_S}

_payloads: Final = Payloads({})


class Place(Protocol):
    """A connection on which the caller has a transaction."""

    async def terms(self, types: Collection[str]) -> Mapping[str, Terms]:
        """What workers have declared of these types, as far as that is to be known before a submit: what a database server is
        sent may stand in its log."""
        ...

    async def submit(
        self, drafts: Sequence[Draft], idempotency: Idempotency | None, *, strict: bool
    ) -> Sequence[str]:
        """Insert all of them or none, and answer the ids of the tasks that answer: those, or holders of keys.

        `strict`: no type that nobody has registered. Raises Invalid, IdempotencyMismatch, UniqueConflict, QuotaExceeded,
        QueueFull; Bare for drafts that lack what their types declare; SchemaMismatch when the database is no
        hub's; and what the driver raises.
        """
        ...


async def submit_within(
    place: Place,
    wanted: Sequence[Submission],
    *,
    strict: bool,
    idempotency: Idempotency | None = None,
    pointers: Sequence[str] = ("",),
    known: Known = NOTHING_KNOWN,
    keyring: Keyring = NO_KEYS,
    new_id: Callable[[], str] = new_id,
) -> Sequence[str]:
    """All of `wanted` or none; the ids are known now, the tasks are there when the caller commits.

    What a worker has declared of a type supplies the defaults; its JSON Schema is not asked, for that would take more than
    the one statement: the worker checks the payload when it runs. Where there are keys, it is asked first which fields of
    types that are not `known` are secret, and which limits they have; where there are none, the statement itself refuses types
    with either, says what it misses, and is repeated. `pointers` and `known` as in engine/tasks.py. Raises as `Place.submit`,
    and NoSecretKeys.
    """
    drafts = [_draft(one, at, new_id()) for one, at in zip(wanted, pointers, strict=True)]
    if keyring and (strange := {one.type for one in wanted} - known.keys()):
        known = {**known, **await place.terms(strange)}
    terms = {n: found for n, one in enumerate(wanted) if (found := known.get(one.type, NO_TERMS)) != NO_TERMS}
    while True:
        ready = [
            _with_terms(draft, terms[n], keyring, at) if n in terms else draft
            for n, (draft, at) in enumerate(zip(drafts, pointers, strict=True))
        ]
        any_sealed = any(draft.sealed for draft in ready)
        key = blinded(idempotency, keyring) if idempotency is not None and any_sealed else idempotency
        try:
            return await place.submit(ready, key, strict=strict)
        except Bare as bare:
            terms |= {n: _both(terms.get(n, NO_TERMS), lacking) for n, lacking in bare.lacking.items()}
        except TaskflowError as error:
            error.errors = tuple(repointed(one, pointers) for one in error.errors)
            raise


def _both(had: Terms, lacking: Terms) -> Terms:
    return Terms(lacking.secret or had.secret, lacking.limits or had.limits)


def _with_terms(draft: Draft, terms: Terms, keyring: Keyring, at: str) -> Draft:
    new = draft.new
    limits, payload = new.limits, new.payload
    if terms.limits:
        limits = merged(terms.limits, limits, payload, type=new.type, secret=terms.secret, at=at)
    if terms.secret:
        payload = keyring.seal_payload(payload, terms.secret, type=new.type, id=new.id)
    return replace(
        draft,
        new=replace(new, payload=payload, limits=limits),
        sealed=bool(terms.secret),
        limited=bool(terms.limits),
    )


def _draft(wanted: Submission, at: str, id: str) -> Draft:
    check_times(wanted, at)
    check_texts(wanted, at)
    check_limits(wanted.limits, at)
    if wanted.unique is not None and wanted.unique.on_conflict is OnConflict.REPLACE:
        # The task that makes way would be locked, and unheard of, until somebody else commits.
        raise Invalid.field(
            f"{at}/unique/on_conflict", "cannot be `replace` within a transaction of your own"
        )
    _payloads.check(bytes(wanted.payload), None, f"{at}/payload")
    given: dict[str, Any] = {name: getattr(wanted, name) for name in DEFAULTS}
    open_ = tuple([name for name, value in given.items() if value is UNSET])
    new = NewTask(
        id=id,
        type=wanted.type,
        queue=wanted.queue,
        priority=wanted.priority,
        payload=wanted.payload,
        run_at=wanted.run_at,
        delay_s=wanted.delay,
        expires_at=wanted.expires_at,
        tags=wanted.tags,
        unique=wanted.unique,
        limits=wanted.limits,
        traceparent=tracing.carried(),
        **(given | {name: DEFAULTS[name] for name in open_}),
    )
    return Draft(new, open_)
