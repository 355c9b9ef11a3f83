"""Text that would like to be more: a table of it, and how a page is asked whether any of it has come alive."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, Page
from tests.support.browser import Visitor, visiting
from tests.support.http_api import Threaded

HOSTILE: Final = {
    "script": "<script>canary('script')</script>",
    "handler": "<img src=x onerror=\"canary('handler')\">",
    "svg": "<svg onload=\"canary('svg')\"><a xlink:href=\"javascript:canary('svg')\">x</a></svg>",
    "elsewhere": "<iframe src=//elsewhere.invalid></iframe><link rel=stylesheet href=//elsewhere.invalid/x>",
    "closing": "</textarea></title></style></script>--><script>canary('closing')</script>",
    "attribute": '" onmouseover="canary(\'attribute\')" autofocus onfocus="canary(\'attribute\')" x="',
    "template": "{{canary('template')}}${canary('template')}{{constructor.constructor('canary(1)')()}}",
    "style": "<style>*{background:url(//elsewhere.invalid/x)}</style><b style='position:fixed;inset:0'>",
    "turned": "safe\u202egnp.exe\u2066\u2067\u200f",
}
# Only at the beginning of a text are they addresses.
ADDRESSES: Final = (
    "javascript:canary('address')",
    "data:text/html,<script>canary('data')</script>",
    "//elsewhere.invalid/x",
)
ALL: Final = "".join(HOSTILE.values())
SHOWN: Final = HOSTILE["script"]  # how `ALL` begins

_WATCH: Final = """
window.ran = []; window.refused = [];
window.canary = (which) => window.ran.push(which);
addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
"""
_FOUND: Final = """() => {
  const all = [...document.querySelectorAll("*")], root = location.origin + "/";
  const drawn = (one) => one.href?.baseVal; // in an SVG
  const address = (one) => drawn(one) === undefined ? one.href || one.src : new URL(drawn(one), document.baseURI).href;
  const own = (url) => url.endsWith("/ui/icon.svg") || url.startsWith("data:image/png;base64,");
  return {
    ran: window.ran, refused: window.refused,
    tags: [...new Set(all.map((one) => one.localName))],
    active: all.flatMap((one) => [...one.attributes]).filter(({name}) => /^(on|srcdoc|style$)/i.test(name))
      .map(({name, value}) => name + "=" + value)
      .filter((one) => !["style=", "style=display: none;"].includes(one)), // which are Vue's own
    addresses: all.filter((one) => one.hasAttribute("href") || one.hasAttribute("src")).map(address)
      .filter((url) => !url.startsWith(root) && !own(url)),
    pictures: [...document.images].map((one) => one.src).filter((url) => !own(url)),
    scripts: document.scripts.length,
  };
}"""
# Every kind of element that the dashboard makes itself; none is made by what others wrote.
_OWN: Final = frozenset(
    re.findall(
        r"\w+",
        """
        html head meta base title link script body noscript div a aside nav p span button header form label input main kbd svg
        path
        h1 h2 h3 select option table thead tbody tr th td time details summary section article ul ol li dl dt dd strong code
        pre bdi
        img progress meter dialog textarea datalist rect g text tspan circle line polyline polygon footer em small fieldset
        legend
        caption tfoot output
        """,
    )
)


def watch(page: Page) -> None:
    page.add_init_script(_WATCH)


def assert_inert(page: Page) -> None:
    found: dict[str, Any] = page.evaluate(_FOUND)
    strange = sorted(set(found.pop("tags")) - _OWN)
    inert = {"ran": [], "refused": [], "active": [], "addresses": [], "pictures": [], "scripts": 2}
    assert (strange, found) == ([], inert), f"{strange} {found} at {page.url[:200]}"


@contextmanager
def watching(browser: Browser, server: Threaded, **options: Any) -> Iterator[Visitor]:
    with visiting(browser, server, **options) as visitor:
        watch(visitor.page)
        yield visitor
