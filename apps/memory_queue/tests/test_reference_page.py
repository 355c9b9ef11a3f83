"""The reference in a real browser: drawn from the document, tried, and without a word to anybody else."""

from collections.abc import Iterator

import pytest

from .service import Service

pytestmark = pytest.mark.debian


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service(ERROR_RATE="0") as started:
        yield started


@pytest.mark.parametrize("path", ["/docs", "/swagger/"])
def test_each_call_can_be_tried(service: Service, path: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    asked, faults = list[str](), list[str]()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 375, "height": 700})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"http://127.0.0.1:{service.port}{path}")
        for section, said in (
            ("enqueue", '202 Accepted\n{"status":"queued"}'),
            ("task", '"id":"report-1"'),
            ("stats", '"accepted":'),
            ("healthz", "200 OK\nok"),
        ):
            page.locator(f"#{section} button").click()
            expect(page.locator(f"#{section} form pre")).to_contain_text(said)
        page.locator("#task input").fill("a/b <i>c</i>")
        page.locator("#task button").click()
        expect(page.locator("#task form pre")).to_contain_text("404 Not Found\nnot found")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        browser.close()
    assert all(url.startswith((f"http://127.0.0.1:{service.port}/", "data:")) for url in asked)
    assert [fault for fault in faults if "404" not in fault] == []
