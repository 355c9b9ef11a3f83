"""What a PostgreSQL URL may say, and that no part of a password is ever shown. (What the world answers to one: tests/e2e.)"""

from inspect import signature
from typing import Any
from urllib.parse import quote

import pytest
from asyncpg.connect_utils import _parse_connect_dsn_and_args  # type: ignore[attr-defined]
from hypothesis import assume, given
from hypothesis import strategies as st

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.store.postgres.url import Target, parse_url


def driver(dsn: str) -> Any:
    """What the driver reads in it: addresses, and the rest."""
    names = signature(_parse_connect_dsn_and_args).parameters
    rest = {name: None for name in names if name != "dsn"}
    return _parse_connect_dsn_and_args(dsn=dsn, **rest)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (
            "postgresql://bob:s3cret@db:6543/hub",
            Target(
                dsn="postgresql://bob:s3cret@db:6543/hub",
                shown="postgresql://bob:***@db:6543/hub",
                database="hub",
                hosts=(("db", 6543),),
            ),
        ),
        (
            "postgres://bob@db/my%20hub?pool_size=4&patience=0.5&connect_timeout=1&statement_cache_size=0",
            Target(
                dsn="postgresql://bob@db/my%20hub",
                shown="postgres://bob@db/my%20hub",
                database="my hub",
                hosts=(("db", 5432),),
                pool_size=4,
                patience_s=0.5,
                connect_timeout_s=1.0,
                statement_cache_size=0,
            ),
        ),
        (
            "postgresql://one:1,[::1]:2,three/hub?target_session_attrs=primary&sslmode=require",
            Target(
                dsn="postgresql://one:1,[::1]:2,three/hub?target_session_attrs=primary&sslmode=require",
                shown="postgresql://one:1,[::1]:2,three/hub",
                database="hub",
                hosts=(("one", 1), ("::1", 2), ("three", 5432)),
            ),
        ),
        (
            "postgresql:///hub?host=/var/run/postgresql&port=6543",
            Target(
                dsn="postgresql:///hub?host=%2Fvar%2Frun%2Fpostgresql&port=6543",
                shown="postgresql:///hub",
                database="hub",
            ),
        ),
    ],
)
def test_good(url: str, target: Target) -> None:
    assert parse_url(url) == target
    _, found = driver(target.dsn)
    assert found.database == target.database


@pytest.mark.parametrize(
    "password", ["p@ss:w0rd", "100%25", "%2F%3F%23", "ünïcode", "a b", "+plus&and=", "@", ":"]
)
def test_the_driver_reads_the_password_that_is_meant(password: str) -> None:
    _, found = driver(parse_url(f"postgresql://bob:{password}@db/hub").dsn)
    _, quoted = driver(parse_url(f"postgresql://bob:{quote(password, safe='')}@db/hub").dsn)
    assert quoted.password == password
    assert found.password in {password, "100%", "/?#"}, "written as it is, or with what is meant by %XX"
    assert found.user == "bob"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "expected postgresql://"),
        ("hub", "expected postgresql://"),
        ("sqlite:///hub.db", "expected postgresql://"),
        ("postgresql:hub", "two slashes"),
        ("postgresql://db", "names no database"),
        ("postgresql://db/", "names no database"),
        ("postgresql://db/a/b", "cannot be the name of a database"),
        ("postgresql://db/a%00b", "cannot be the name of a database"),
        ("postgresql://db:x/hub", "its port is not a number"),
        ("postgresql://db:0/hub", "its port is not a number"),
        ("postgresql://db:70000/hub", "its port is not a number"),
        ("postgresql://db:٣/hub", "its port is not a number"),
        ("postgresql://[::1/hub", "cannot be read"),
        ("postgresql://a b/hub", "expected postgresql://"),
        ("postgresql:///hub?host=/tmp&port=x", "its port is not a number"),
        ("postgresql://db/hub#x", "%23"),
        ("postgresql://db/hub?dbname=other", "unknown option 'dbname'"),
        ("postgresql://db/hub?sslpassword=a@b&x=1", "URL 'postgresql://db/hub': unknown option 'x'"),
        (
            "postgresql://bob:x@db/hub?sslpassword=a@b&x=1",
            "URL 'postgresql://bob:***@db/hub': unknown option 'x'",
        ),
        ("postgresql://db/hub?pool_size=", "pool_size must be a whole number from 4 to 1000, not ''"),
        ("postgresql://db/hub?pool_size=1.5", "must be a whole number"),
        ("postgresql://db/hub?patience=nan", "patience must be a number from 0 to 3600, not 'nan'"),
        ("postgresql://db/hub?connect_timeout=0", "must be a number from 0.1"),
        ("postgresql://db/hub?sslmode=yes", "sslmode must be one of"),
        ("postgresql://db/hub?target_session_attrs=master", "target_session_attrs must be one of"),
        ("postgresql://db/hub?host=/tmp&host=/var", "host is given twice"),
    ],
)
def test_bad(url: str, words: str) -> None:
    with pytest.raises(Misconfigured, match=r"^database URL ") as refused:
        parse_url(url)
    assert words in refused.value.detail


SECRETS = st.text("/?#@:[]%=&1a ", max_size=12).map(lambda text: f"S3{text}CR3T")


@given(
    SECRETS, st.sampled_from(["@db:5432/hub", "@db:x/hub", "@db", "@db/hub?size=1", "/hub", "", "@[db/hub"])
)
def test_no_part_of_a_password_is_shown(secret: str, rest: str) -> None:
    """However it is written: with what should have been escaped, or with the host forgotten."""
    assume("@" in rest or "@" not in secret)  # what stands after an @ is taken for the host
    try:
        said = parse_url(f"postgresql://bob:{secret}{rest}").shown
    except Misconfigured as error:
        said = str(error)
    assert "S3" not in said
    assert "CR3T" not in said
