"""The API's reference at /docs in a real browser."""

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import visiting
from tests.support.http_api import Threaded

pytestmark = pytest.mark.debian


def test_the_reference_shows_every_operation(browser: Browser, served: Threaded) -> None:
    with visiting(browser, served) as visitor:
        visitor.page.goto(served.url + "/docs")
        expect(visitor.page.locator("#submit_task")).to_contain_text("Submit a task")
        document = served.run(served.hub.client.get("/openapi.json")).json()
        operations = [
            operation["operationId"] for item in document["paths"].values() for operation in item.values()
        ]
        for name in operations:
            expect(visitor.page.locator(f"#{name}")).to_be_visible()
        expect(visitor.page.locator("#submit_task")).to_contain_text("Idempotency-Key")
        expect(visitor.page.locator("#submit_task")).to_contain_text("on_conflict")
