"""A real browser before the dashboard of a real hub with a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.support.browser import Visitor, chromium, visiting
from tests.support.dashboard import handlers
from tests.support.http_api import Threaded, api_in_thread


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Threaded]:
    with api_in_thread(tmp_path, handlers=handlers()) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, served: Threaded) -> Iterator[Visitor]:
    with visiting(browser, served) as made:
        yield made
