"""What a database URL may say."""

from pathlib import Path

import pytest

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.store.sqlite import Location, parse_url


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("sqlite:///taskflow.db", Location(path=Path("taskflow.db"))),
        ("sqlite:///data/my%20hub.db", Location(path=Path("data/my hub.db"))),
        ("sqlite:////var/lib/hub.db", Location(path=Path("/var/lib/hub.db"))),
        ("sqlite:///a.db?max_page_count=1000", Location(path=Path("a.db"), max_page_count=1000)),
        (
            "sqlite:///a.db?busy_timeout=2.5&max_page_count=100",
            Location(path=Path("a.db"), busy_timeout_s=2.5, max_page_count=100),
        ),
    ],
)
def test_good(url: str, location: Location) -> None:
    assert parse_url(url) == location


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "sqlite:///"),
        ("taskflow.db", "sqlite:///"),
        ("postgresql://localhost/hub", "sqlite:///"),
        ("sqlite://taskflow.db", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("sqlite:///a.db#x", "three slashes"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///folder/", "names no file"),
        ("sqlite:///a%00b.db", "names no file"),
        ("sqlite:///a.db?timeout=1", "'timeout'"),
        ("sqlite:///a.db?max_page_count=", "max_page_count must be a whole number"),
        ("sqlite:///a.db?max_page_count=1.5", "max_page_count must be a whole number"),
        ("sqlite:///a.db?max_page_count=99", "at least 100"),
        ("sqlite:///a.db?busy_timeout=soon", "busy_timeout must be a number"),
        ("sqlite:///a.db?busy_timeout=nan", "busy_timeout must be a number"),
        ("sqlite:///a.db?busy_timeout=-1", "at least 0"),
        ("sqlite:///a.db?busy_timeout=1&busy_timeout=2", "twice"),
    ],
)
def test_bad(url: str, word: str) -> None:
    with pytest.raises(Misconfigured, match=r"database URL ") as refused:
        parse_url(url)
    assert word in refused.value.detail
    assert repr(url) in refused.value.detail
