"""What the patterns of names and ids mean, in words: who mistyped one is not shown a regular expression."""

from collections.abc import Mapping
from typing import Final

from taskflow_hub.domain.steps import EVENT_PATTERN
from taskflow_hub.domain.submission import LIMIT_KEY_PATTERN, QUEUE_PATTERN, TYPE_PATTERN

ID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
# Not a proof that mail arrives: only that it has the shape, and is shown as it is. What cannot be seen, or turns the line
# around, could be taken for another address.
_UNSEEN: Final = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufe00-\ufe0f\ufeff\ufff9-\uffff"
)
EMAIL_PATTERN: Final = rf'^[^\s@{_UNSEEN}<>"]{{1,64}}@[^\s@{_UNSEEN}<>"]{{1,189}}$(?!\n)'
# Not written as those of queues and task types are: what does not match is told by the pattern.
ACCOUNT_PATTERN: Final = r"^[0-9a-z_-]{1,64}$(?!\n)"
WORKFLOW_PATTERN: Final = r"^[0-9a-z_.-]{1,100}$(?!\n)"
# Not written as that of types is, for the same reason.
SCHEDULE_PATTERN: Final = r"^[_0-9a-z.-]{1,100}$(?!\n)"
IN_WORDS: Final[Mapping[str, str]] = {
    ID_PATTERN: "is not an id: one has 36 characters, in lower case, like 0198c0de-0000-7000-8000-000000000000",
    TYPE_PATTERN: "is not a task type: one has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'",
    QUEUE_PATTERN: "is not a queue's name: one has 1 to 64 characters of a-z, 0-9, '_' and '-'",
    LIMIT_KEY_PATTERN: "is not a limit's key: one has 1 to 200 visible ASCII characters, no spaces",
    EVENT_PATTERN: "is not an event's name: one has 1 to 100 characters of a-z, A-Z, 0-9, '_', '.' and '-'",
    EMAIL_PATTERN: "is not an e-mail address, such as ada@example.org",
    WORKFLOW_PATTERN: "is not a workflow's name: one has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'",
    SCHEDULE_PATTERN: "is not a schedule's name: one has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'",
    ACCOUNT_PATTERN: "is not an account's id: one has 1 to 64 characters of a-z, 0-9, '_' and '-'",
}
