"""What the patterns of names and ids mean, in words: who mistyped one is not shown a regular expression."""

from collections.abc import Mapping
from typing import Final

from taskflow_hub.domain.submission import LIMIT_KEY_PATTERN, QUEUE_PATTERN, TYPE_PATTERN

ID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
IN_WORDS: Final[Mapping[str, str]] = {
    ID_PATTERN: "is not an id: one has 36 characters, in lower case, like 0198c0de-0000-7000-8000-000000000000",
    TYPE_PATTERN: "is not a task type: one has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'",
    QUEUE_PATTERN: "is not a queue's name: one has 1 to 64 characters of a-z, 0-9, '_' and '-'",
    LIMIT_KEY_PATTERN: "is not a limit's key: one has 1 to 200 visible ASCII characters, no spaces",
}
