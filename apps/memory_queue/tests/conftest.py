"""Services that tests of a module share."""

from collections.abc import Iterator

import pytest

from .service import Service


@pytest.fixture(scope="module")
def steady() -> Iterator[Service]:
    """Work takes no time and never fails, and there is room for whatever a test sends."""
    with Service(ERROR_RATE="0", QUEUE_SIZE="10000") as service:
        yield service
