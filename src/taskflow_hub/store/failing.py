"""Where a page of failures ends, for both stores."""

import re
from typing import Final

from taskflow_hub.domain.errors import Invalid

_PLACE: Final = re.compile("(0|[1-9][0-9]{0,17})-([0-9a-f]{16})")

Place = tuple[int, str]  # rank, fingerprint


def make_place(rank: int, fingerprint: str) -> str:
    return f"{rank}-{fingerprint}"


def read_place(cursor: str) -> Place:
    """Raises Invalid for a cursor we did not make."""
    found = _PLACE.fullmatch(cursor)
    if found is None:
        raise Invalid.field("/cursor", "not a cursor of this list")
    return int(found[1]), found[2]
