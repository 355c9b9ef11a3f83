"""What others wrote stays text, wherever it reaches the page: nothing of it runs, is loaded, or becomes an element."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.support.browser import WIDE
from tests.support.canary import ADDRESSES, ALL, HOSTILE, SHOWN, assert_inert, watch, watching
from tests.support.dashboard import flows, handlers, scheduled, submit
from tests.support.hostile import UNKNOWN
from tests.support.http_api import Threaded, api_in_thread

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType
from taskflow_hub.http.routes.page import PAGES
from taskflow_hub.worker.context import Context

pytestmark = [pytest.mark.debian, pytest.mark.timeout(300)]

MEGABYTE: Final = 1_000_000
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT")
# Words that the hub itself chooses from, and what proves who one is.
WORDS: Final = frozenset(
    [
        "status",
        "outcome",
        "state",
        "overlap",
        "catch_up",
        "origin",
        "action",
        "scopes",
        "role",
        "kind",
        "csrf_token",
    ]
)


async def curse(text: str, ctx: Context) -> None:
    """The exception's name is hostile as well, and so is all that is said on the way."""
    ctx.progress(0.5, text)
    ctx.log.warning(text, **{text: text})
    raise type(text, (Exception,), {})(text)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    made = handlers()
    made.add("demo.curse", curse, max_retries=1)
    with api_in_thread(tmp_path_factory.mktemp("hostile"), handlers=made) as running:
        yield running


def a_worker(served: Threaded) -> None:
    """One that nobody runs: it is thought alive for half a minute."""
    schema = {
        "type": "object",
        "properties": {
            ALL: {"type": "string", "description": ALL, "examples": [ALL], "default": ALL},
            "choice": {"enum": [ALL, *ADDRESSES], "description": ALL},
        },
    }
    declared = TaskType(type="odd.type", description=ALL, payload_schema=schema)
    worker = f"{ALL}{new_id()}"
    said = Register(
        worker=worker, name=ALL, host=ALL, pid=1, version=ALL, slots=1, window=1, types=(declared,)
    )
    served.run(served.hub.engine.workers.answer(said))


@pytest.fixture(scope="module")
def stored(served: Threaded) -> Mapping[str, str]:
    """Everywhere that takes any text at all, it is hostile."""
    tags = [text[:64] for text in HOSTILE.values()]
    a_worker(served)
    payload = {"text": ALL}
    graph = {
        "a": {"type": "demo.curse", "payload": payload},
        "each": {
            "type": "demo.speak",
            "for_each": list(HOSTILE.values()),
            "payload": {"text": {"$ref": "item"}},
        },
        "b": {"type": "nobody.serves", "payload": {ALL: [ALL], "__proto__": {"constructor": ALL}}},
    }
    answer = served.run(
        served.hub.client.post("/workflows", json={"name": "w", "nodes": graph, "tags": tags})
    )
    assert answer.status_code in {200, 202}, answer.text
    repeated = {"Idempotency-Key": HOSTILE["script"]}
    task = {"type": "demo.curse", "payload": payload, "retry": {"kind": "fixed", "base": 0}, "tags": tags}
    cursed = served.run(served.hub.client.post("/tasks", json=task, headers=repeated)).json()["id"]
    return {
        "cursed": cursed,
        "spoken": submit(served, "demo.speak", payload, tags=tags),
        "address": submit(served, "demo.speak", {"text": ADDRESSES[0]}, tags=list(ADDRESSES)),
        "waits": submit(served, "nobody.serves", {ALL: ALL, "__proto__": ALL, "url": list(ADDRESSES)}),
        "flow": answer.json()["id"],
        "fails": flows(served, ALL),
        "plan": scheduled(
            served, {"name": "hostile", "every": "1s", "task": {"type": "demo.curse", "payload": payload}}
        ),
    }


def pages_of(stored: Mapping[str, str]) -> list[str]:
    return [
        *(f"/ui/{name}" for name in PAGES),
        *(f"/ui/tasks/{stored[name]}" for name in ("cursed", "spoken", "address", "waits")),
        *(
            f"/ui/workflows/{stored[name]}{query}"
            for name in ("flow", "fails")
            for query in ("", "?view=time", "?node=each")
        ),
        f"/ui/schedules/{stored['plan']}",
        "/ui/tasks?new=odd.type",
        f"/ui/tasks/{stored['spoken']}?new=1&from={stored['spoken']}",
        "/ui/tasks?bulk=cancel&tag=" + quote(HOSTILE["script"]),
    ]


def settled(page: Page) -> None:
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("main h1, main .error").first).to_be_visible()
    expect(page.locator("main .stale")).to_have_count(0)


def test_what_the_hub_has_stored_is_shown_as_it_was_written(
    browser: Browser, served: Threaded, stored: Mapping[str, str]
) -> None:
    with watching(browser, served) as visitor:
        for path in pages_of(stored):
            settled(visitor.open(path))
            assert_inert(visitor.page)

        page = visitor.open(f"/ui/tasks/{stored['cursed']}")
        expect(page.locator("#task .lead .status")).to_have_text("failed")
        literally = ALL.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066").replace("\u2067", "\\u2067")
        for place in ("#error .failure", "#payload", "#log"):
            expect(page.locator(place)).to_contain_text(literally)
        page.locator(".fault summary").first.click()
        expect(page.locator(".fault pre").first).to_contain_text(SHOWN)
        for tag in HOSTILE.values():
            expect(page.locator("aside .tag", has_text=tag[:20]).first).to_be_visible()
        page.click("text=Copy as")
        page.locator(".menu-items >> text=curl").click()
        expect(page.locator("main .command, .notice").first).to_contain_text("")
        assert_inert(page)

        page = visitor.open(f"/ui/tasks/{stored['spoken']}")
        expect(page.locator("#result")).to_contain_text(f"{SHOWN}")
        page.click("text=Edit and submit…")
        expect(page.locator("#submit-payload")).to_have_value(re.compile(re.escape("<script>canary")))
        assert_inert(page)

        a_worker(served)
        page = visitor.open("/ui/workers")
        expect(page.locator("h2", has_text=SHOWN).first).to_be_visible()
        assert_inert(page)
        page = visitor.open("/ui/tasks?new=odd.type")
        expect(page.locator("dialog label", has_text=SHOWN).first).to_be_visible()
        expect(page.locator("dialog .about", has_text=SHOWN).first).to_be_visible()
        assert_inert(page)


@pytest.mark.parametrize(
    ("text", "instead"), [(f"\0{ALL}", False), (ADDRESSES[0], True)], ids=["appended", "instead"]
)
def test_nothing_that_the_hub_says_can_be_more_than_text(
    browser: Browser, served: Threaded, stored: Mapping[str, str], text: str, instead: bool
) -> None:
    """Names that the hub would refuse, problems, ids, cursors: every text of every answer, also on pages to come."""

    def poisoned(value: Any, name: str = "", *, top: bool = True) -> Any:
        if isinstance(value, dict):
            return {key: poisoned(of, key, top=top and key == "id") for key, of in value.items()}
        if isinstance(value, list):
            return [poisoned(of, name, top=False) for of in value]
        if not isinstance(value, str) or name in WORDS or TIME.match(value) or (name == "id" and top):
            return value
        return text if instead else value + text

    def answer(route: Route) -> None:
        if route.request.resource_type not in {"fetch", "xhr"} or "/ui/" in route.request.url:
            return route.fallback()
        response = route.fetch()
        if "json" not in response.headers.get("content-type", ""):
            return route.fulfill(response=response)
        return route.fulfill(response=response, body=json.dumps(poisoned(response.json())))

    shown = text if instead else SHOWN
    seen = 0
    with watching(browser, served, viewport=WIDE) as visitor:
        visitor.page.route("**/*", answer)
        for path in [*pages_of(stored), "/ui/tasks?type=Not+A+Type", f"/ui/tasks/{UNKNOWN}"]:
            page = visitor.open(path)
            settled(page)
            assert_inert(page)
            seen += shown in (page.locator("body").text_content() or "")
        visitor.page.unroute_all(behavior="wait")
    assert seen >= 10, "it is there to be seen"


# As the way back and forth goes, which loads nothing anew.
GO: Final = (
    "(to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate', {state: {}})); }"
)
PARAMETERS: Final = {
    "/ui/tasks": [
        "type",
        "queue",
        "tag",
        "user",
        "within",
        "from",
        "to",
        "cursor",
        "columns",
        "bulk",
        "new",
        "status",
        "unknown",
    ],
    "/ui/tasks/{cursed}": ["log", "level", "new", "from"],
    "/ui/queues": ["find", "name"],
    "/ui/workers": ["find", "name"],
    "/ui/workflows": ["name", "status", "cursor"],
    "/ui/workflows/{fails}": ["view", "node", "items", "item"],
    "/ui/schedules": ["paused", "cursor"],
    "/ui/schedules/{plan}": ["outcome", "cursor"],
}


def test_nothing_in_an_address_can_be_more_than_text(
    browser: Browser, served: Threaded, stored: Mapping[str, str]
) -> None:
    with watching(browser, served) as visitor:
        for pattern, names in PARAMETERS.items():
            path = pattern.format_map(stored)
            for text in (ALL, ADDRESSES[0]):
                query = "&".join(f"{name}={quote(text)}" for name in names)
                settled(visitor.open(f"{path}?{query}#{quote(text)}"))
                assert_inert(visitor.page)
            for name in names:  # several hide each other
                visitor.page.evaluate(GO, f"{served.url}{path}?{name}={quote(ALL)}")
                settled(visitor.page)
                assert_inert(visitor.page)
        for name in ("tasks", "workflows", "schedules"):
            page = visitor.open(f"/ui/{name}/{quote(HOSTILE['handler'])}")
            expect(page.locator("main .error")).to_be_visible()
            assert_inert(page)
        page = visitor.open(f"/ui/tasks?tag={quote(ALL)}")
        expect(page.locator(".chip.condition")).to_contain_text(SHOWN)
        expect(page.locator("#search")).to_have_value(re.compile(re.escape("#<script>canary")))


def test_a_megabyte_is_shown_when_asked_for(browser: Browser, served: Threaded) -> None:
    long = submit(served, "nobody.serves", {"text": f"{SHOWN}{'x' * MEGABYTE}"})
    named = submit(served, "nobody.serves", {f"{SHOWN}{'x' * MEGABYTE}": 1})
    spoken = submit(served, "demo.speak", {"text": f"{SHOWN}{'y' * (MEGABYTE // 4)}"})
    with watching(browser, served) as visitor:
        for task in (named, spoken, long):
            page = visitor.open(f"/ui/tasks/{task}")
            expect(page.locator("#payload")).to_contain_text(SHOWN)
            assert len(page.locator("body").text_content() or "") < 50_000
            assert_inert(page)
        page = visitor.page
        page.click("text=show all 1,000,033 characters")
        expect(page.locator("#payload .json-string")).to_have_text(re.compile(r"x{1000}$"))
        assert len(page.locator("#payload .json-string").text_content() or "") == MEGABYTE + len(SHOWN)
        assert_inert(page)


INJECTED: Final = """
<script>canary("inline script")</script>
<script src="data:text/javascript,canary('data script')"></script>
<script src="//elsewhere.invalid/x.js"></script>
<img src="icon.svg" onload="canary('handler')"><img src="//elsewhere.invalid/x">
<iframe srcdoc="<script>parent.canary('frame')</script>"></iframe><iframe src="//elsewhere.invalid/"></iframe>
<object data="//elsewhere.invalid/"></object><embed src="//elsewhere.invalid/">
<style>body { background: red }</style><p id="styled" style="color: red">x</p>
<link rel="stylesheet" href="//elsewhere.invalid/x.css">
<svg><animate onbegin="canary('svg')" attributeName="x" dur="1s"/></svg>
<form id="form" action="//elsewhere.invalid/"></form><a id="address" href="javascript:canary('address')">x</a>
"""
TRIES: Final = """async () => {
  const run = (word) => `canary('${word}')`, made = (name) => document.createElement(name);
  const put = (one) => (document.body.append(one), one);
  const tries = {
    html: () => { put(made("div")).innerHTML = `<img src=x onerror="${run("html")}">`; },
    insert: () => document.body.insertAdjacentHTML("beforeend", `<script>${run("insert")}<\\/script>`),
    write: () => document.write(`<script>${run("write")}<\\/script>`),
    parse: () => put(new DOMParser().parseFromString(`<img src=x onerror="${run("parse")}">`, "text/html").body),
    script: () => { const one = made("script"); one.append(run("script")); put(one); },
    source: () => { const one = made("script"); one.src = "data:text/javascript," + run("source"); put(one); },
    handler: () => { const one = put(made("button")); one.setAttribute("onclick", run("handler")); one.click(); },
    timer: () => setTimeout(run("timer")),
    policy: () => trustedTypes.createPolicy("evil", { createHTML: (text) => text }),
    worker: () => new Worker("data:text/javascript,1"),
    link: () => document.querySelector("#address").click(),
    form: () => document.querySelector("#form").submit(),
  };
  const thrown = [];
  for (const [name, attempt] of Object.entries(tries)) try { attempt(); } catch { thrown.push(name); }
  const fetched = await fetch("http://elsewhere.invalid/").then(() => true, () => false);
  const beacon = await new Promise((done) => {
    const one = new Image();
    one.onload = one.onerror = ({type}) => done(type);
    one.src = "http://elsewhere.invalid/x";
  });
  return { thrown, fetched, beacon, colour: getComputedStyle(document.querySelector("#styled")).color };
}"""


def test_the_policy_holds_also_where_markup_has_got_in(browser: Browser, served: Threaded) -> None:
    """As if something had failed: what is injected into the page itself, and by a script of it, is refused by the browser."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    watch(page)
    asked: list[tuple[str, str | None]] = []
    page.on("requestfinished", lambda request: asked.append((request.url, None)))
    page.on("requestfailed", lambda request: asked.append((request.url, request.failure)))

    def inject(route: Route) -> None:
        response = route.fetch()
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in {"content-encoding", "content-length"}
        }
        route.fulfill(
            status=200,
            headers=headers,
            body=response.text().replace('<div id="app">', f'{INJECTED}<div id="app">'),
        )

    submit(served, "nobody.serves")
    page.route(f"{served.url}/ui/tasks", inject)
    answer = page.goto(f"{served.url}/ui/tasks")
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#list tbody tr").first).to_be_visible()
    found = page.evaluate(TRIES)
    assert page.evaluate("window.ran") == []
    assert {"html", "insert", "write", "timer", "policy"} <= set(found["thrown"])
    assert (found["fetched"], found["beacon"]) == (False, "error")
    assert found["colour"] != "rgb(255, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 0, 0)"
    refused = set(page.evaluate("window.refused"))
    assert refused >= {
        *(
            "script-src-elem",
            "script-src-attr",
            "style-src-elem",
            "style-src-attr",
            "img-src",
            "frame-src",
            "object-src",
        ),
        *("connect-src", "form-action", "require-trusted-types-for", "trusted-types"),
    }
    elsewhere = {failure for url, failure in asked if not url.startswith((served.url, "data:", "about:"))}
    assert elsewhere == {"csp"}, "refused by the policy, before anybody was asked"
    context.close()
