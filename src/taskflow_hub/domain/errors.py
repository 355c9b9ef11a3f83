"""Every error a caller can meet, one code each.

* TaskflowError
  x Invalid                 the request itself is wrong; nothing was changed
    - Undecodable           not even JSON
    - TooLarge              over a stated limit
    - IdempotencyMismatch   the key was used with another body
  x NotFound                no such thing, for this account
    - Gone                  it was there, and was pruned
      . TaskGone            an idempotency key outlived its task
  x Conflict                right request, wrong moment
    - NotAllowed            the task's state has no such move
    - UniqueConflict        another task holds the unique key
    - NameTaken             another thing of the account has it
    - DeclaredInCode        code says what it is, and would say so again
    - EmailTaken            somebody has registered with it
    - LastAdmin             without whom nobody could administer the hub
    - AccountsOff           the hub was set up without accounts
    - NoSecretKeys          and without keys to encrypt secret fields with
  x QueueFull               the queue is at its max_size
  x QuotaExceeded           the account has what it may have
  x Throttled               asked too often
    - RateLimited           more requests than a key or an address may send
  x Unauthenticated         a credential is missing, wrong, or has run out
  x Forbidden               known, but may not do this
    - RegistrationClosed    only an admin may add users
  x Refused                 not from here: foreign Host, cross-site
  x LeaseLost               this attempt no longer owns the task
  x Unavailable             try again later; nothing was changed
    - StoreUnavailable      the database cannot be reached or cannot be written
      . StoreFull           no space left
      . SchemaMismatch      the database is older or newer than this program
    - ShuttingDown
  x Misconfigured           a setting is wrong; the process does not start

HTTP statuses are mapped in http/problems.py, exit codes in cli/errors.py, both along this tree.
"""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from msgspec import Struct

T = TypeVar("T")


class FieldError(Struct, frozen=True):
    """What is wrong with one field. `pointer` is a JSON Pointer (RFC 6901) into the request's body."""

    pointer: str
    detail: str


class TaskflowError(Exception):
    """Something went wrong in the hub."""

    code: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        super().__init__(self.detail)


class Invalid(TaskflowError):
    """The request has invalid fields."""

    code = "invalid"

    @classmethod
    def field(cls, pointer: str, detail: str) -> "Invalid":
        """`pointer` "" is the body itself."""
        return cls(f"{pointer or 'body'}: {detail}", errors=[FieldError(pointer, detail)])

    def below(self, pointer: str) -> "Invalid":
        """The same said of a part of a larger request, which stands at `pointer`."""
        errors = [FieldError(pointer + one.pointer, one.detail) for one in self.errors]
        return Invalid("; ".join(f"{one.pointer}: {one.detail}" for one in errors), errors=errors)


class Undecodable(Invalid):
    """The body is not valid JSON."""

    code = "undecodable"


class TooLarge(Invalid):
    """The request is larger than allowed."""

    code = "too_large"


class IdempotencyMismatch(Invalid):
    """This Idempotency-Key was used before with a different body."""

    code = "idempotency_mismatch"


class NotFound(TaskflowError):
    """There is no such thing."""

    code = "not_found"


class Gone(NotFound):
    """It existed, and has been removed by retention."""

    code = "gone"


class TaskGone(Gone):
    """This Idempotency-Key made a task that has since been removed; it will not run a second time."""

    code = "task_gone"


class Conflict(TaskflowError):
    """The request does not fit the present state."""

    code = "conflict"


class NotAllowed(Conflict):
    """The task's state does not allow this."""

    code = "not_allowed"


class UniqueConflict(Conflict):
    """Another unfinished task holds this unique key."""

    code = "unique_conflict"


class NameTaken(Conflict):
    """The account has something of this name already."""

    code = "name_taken"


class DeclaredInCode(Conflict):
    """Code declares this; it is changed there."""

    code = "declared_in_code"


class EmailTaken(Conflict):
    """Somebody has registered with this e-mail address."""

    code = "email_taken"


class LastAdmin(Conflict):
    """This is the only admin; make another one first."""

    code = "last_admin"


class AccountsOff(Conflict):
    """This hub has no accounts: whoever reaches it may do everything."""

    code = "accounts_off"


class NoSecretKeys(Conflict):
    """There is no key to encrypt secret fields with."""

    code = "no_secret_keys"


class QueueFull(TaskflowError):
    """The queue is full."""

    code = "queue_full"


class QuotaExceeded(TaskflowError):
    """The account's quota is used up."""

    code = "quota_exceeded"


class Throttled(TaskflowError):
    """Too many requests."""

    code = "throttled"


class RateLimited(Throttled):
    """More requests than are allowed in a time."""

    code = "rate_limited"


class Unauthenticated(TaskflowError):
    """Log in, or present a key."""

    code = "unauthenticated"


class Forbidden(TaskflowError):
    """This is not allowed to whoever asks."""

    code = "forbidden"


class RegistrationClosed(Forbidden):
    """Nobody can register here; an admin adds users."""

    code = "registration_closed"


class Refused(TaskflowError):
    """Requests from this origin are not served."""

    code = "refused"


class LeaseLost(TaskflowError):
    """This attempt no longer owns the task; stop working on it."""

    code = "lease_lost"


class Unavailable(TaskflowError):
    """The hub cannot do this now; nothing was changed, try again later."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The database cannot be reached or written."""

    code = "store_unavailable"


class StoreFull(StoreUnavailable):
    """The database has no space left."""

    code = "store_full"


class SchemaMismatch(StoreUnavailable):
    """The database's schema does not fit this version of TaskFlow Hub."""

    code = "schema_mismatch"


class ShuttingDown(Unavailable):
    """The hub is shutting down."""

    code = "shutting_down"


class Misconfigured(TaskflowError):
    """A setting is wrong."""

    code = "misconfigured"


def or_raise(outcome: "T | TaskflowError") -> T:
    """An outcome that is an error *as a value* is raised; any other is what was asked for."""
    if isinstance(outcome, TaskflowError):
        raise outcome
    return outcome


def all_errors(base: type[TaskflowError] = TaskflowError) -> list[type[TaskflowError]]:
    """The whole tree, `base` first, for the tables that must cover it; without those that have no code of their own."""
    below = [error for child in base.__subclasses__() for error in all_errors(child)]
    return [base, *below] if "code" in vars(base) else below
