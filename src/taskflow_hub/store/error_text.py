"""Finding tasks by words in their errors.

No index helps with that, so each question reads a bounded number of errors: a page those of the newest so many failed tasks
that meet the other conditions, and if it is not full by then, the next begins where it ended. A count reads more, and is
refused beyond.
"""

from typing import Final

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.values import TaskFilter

READ_FOR_PAGE: Final = 5_000  # errors
READ_FOR_COUNT: Final = 100_000


def statuses_of(where: TaskFilter) -> frozenset[State]:
    """Those that may be; none: nothing can match."""
    asked = frozenset(where.status) or frozenset(State)
    return asked & {State.FAILED} if where.of_failed else asked


def needles(text: str) -> tuple[str, str]:
    """What is looked for in an error's JSON, which is quick, and then in what that says. Letters A-Z as a-z, as the stores
    do it: in every collation alike."""
    return _lower(to_json(text)[1:-1]), _lower(text)


def too_many() -> Invalid:
    return Invalid.field(
        "/error",
        f"would have to be looked for in more than {READ_FOR_COUNT} errors: narrow it by fingerprint, type, queue or time",
    )


def _lower(text: str) -> str:
    return text.encode().lower().decode()
