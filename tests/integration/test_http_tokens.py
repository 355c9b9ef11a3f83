"""Credentials that are not ours, not for this, or not any more: whatever a caller makes of them, it is nobody, and no log says
what it sent."""

import asyncio
import hashlib
import hmac
import json
import logging
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import pytest
import pytest_asyncio
import structlog.testing
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, SECRET, People

from taskflow_hub.domain.clock import new_id
from taskflow_hub.engine.accounts.tokens import Use
from taskflow_hub.http.identify import COOKIE

MIB: Final = 1_048_576
# The client's, and the server's list of requests, which a hub never writes: the test has turned it on with all the others.
OF_THE_TEST: Final = ("httpx", "httpcore", "uvicorn.access")


@dataclass(frozen=True)
class Login:
    """A login that is good, by what carries it."""

    tokens: dict[Use, str]

    def claims(self, use: Use) -> dict[str, Any]:
        read: dict[str, Any] = jwt.decode(self.tokens[use], options={"verify_signature": False})
        return read


@dataclass(frozen=True)
class Present:
    """Shows a credential in the place where a token for `use` belongs."""

    hub: Running
    use: Use

    async def __call__(self, credential: str) -> httpx.Response:
        if self.use is Use.REFRESH:
            return await self.hub.client.post("/auth/refresh", json={"refresh_token": credential})
        if self.use is Use.COOKIE:
            return await self.with_headers(("Cookie", f"{COOKIE}={credential}"))
        return await self.with_headers(("Authorization", f"Bearer {credential}"))

    def refusal(self, credential: str) -> int:
        """A refresh token that is too long is a field that is; headers have a bound of their own, and it is not reached."""
        return 422 if self.use is Use.REFRESH and len(credential) > 4096 else 401

    async def with_headers(self, *headers: tuple[str, str]) -> httpx.Response:
        raw = [(name.encode(), value.strip().encode()) for name, value in headers]
        return await self.hub.client.get("/auth/me", headers=raw)


@pytest_asyncio.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, auth=ACCOUNTS, loops=False) as running:
        yield running


@pytest.fixture(params=Use)
def present(hub: Running, request: pytest.FixtureRequest) -> Present:
    return Present(hub, request.param)


@pytest_asyncio.fixture
async def login(hub: Running) -> Login:
    return await log_in(hub, "ada@example.org")


async def log_in(hub: Running, email: str) -> Login:
    logins = hub.engine.accounts.logins
    found = await logins.register(email, "correct horse battery", "127.0.0.1")
    return Login(
        {
            Use.ACCESS: found.access_token,
            Use.REFRESH: found.refresh_token,
            Use.COOKIE: logins.cookie(found).value,
        }
    )


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """All that the hub has logged so far, of every level; without what only a test hears."""

    def whole() -> str:
        return "\n".join(
            [
                *map(str, lines),
                *(formatted(one) for one in caplog.records if not one.name.startswith(OF_THE_TEST)),
            ]
        )

    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as lines:
        yield whole
        assert "Traceback" not in whole()


def formatted(record: logging.LogRecord) -> str:
    return logging.Formatter().format(record)


def refused(answer: httpx.Response, what: str, *statuses: int) -> None:
    """As one whom nobody knows, or as something that is no request at all; never with what was sent."""
    assert answer.status_code in (statuses or (401,)), (what, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", what
    assert "Traceback" not in answer.text
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


# --- how a token can be made


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def signed(header: object, claims: object, secret: str, digest: Any = hashlib.sha256) -> str:
    """Whatever the header says it is, the signature is an HMAC."""
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(hmac.new(secret.encode(), text.encode(), digest).digest())}"


def seconds_from_now(seconds: float) -> int:
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())


def by_others(good: dict[str, Any]) -> dict[str, str]:
    """What somebody can make who has read a token, and does not know the secret; or, worse, what the secret has signed, and
    says it is something else."""
    ours = {"alg": "HS256", "typ": "JWT"}
    made = {
        f"alg {alg!r}, unsigned": f"{part({'alg': alg})}.{part(good)}."
        for alg in ("none", "None", "nOnE", "")
    }
    made |= {
        f"no alg, {name}": f"{part({'typ': 'JWT'})}.{part(good)}.{end}"
        for name, end in (("unsigned", ""), ("odd", "AA"))
    }
    made |= {
        f"signed with {key!r}": signed(ours, good, key)
        for key in ("", "x" * 32, SECRET[:-1], SECRET + " ", SECRET.upper())
    }
    for alg in ("RS256", "ES256", "PS256", "EdDSA", "HS384", "hs256", "HS256 "):
        made[f"{alg!r} that is an HMAC of the secret"] = signed({**ours, "alg": alg}, good, SECRET)
    made["HS512 of the secret"] = signed({"alg": "HS512"}, good, SECRET, hashlib.sha512)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    made["RS256 with its own key in the header"] = jwt.encode(good, private, "RS256", {"jwk": jwk})
    mine = "a key of the attacker's, as long as it has to be"
    own = {"kty": "oct", "k": part(mine.encode())}
    headers: tuple[dict[str, Any], ...] = (
        {"jwk": own},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": {"a": 1}},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "file:///etc/passwd"},
        {"x5c": ["AAAA"]},
        {"crit": ["exp"], "exp": 1},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
    )
    made |= {f"header {more}": signed({**ours, **more}, good, mine) for more in headers}
    odd: tuple[object, ...] = ([], "HS256", None, {"alg": ["HS256"]}, {"alg": None}, {"alg": 1})
    made |= {f"header {head!r}": signed(head, good, mine) for head in odd}
    return made


def of_the_wrong_kind(good: dict[str, Any]) -> dict[str, str]:
    """What the secret has signed, and is not what this hub says."""
    made = {
        "run out": {**good, "exp": seconds_from_now(-1)},
        "not yet": {**good, "nbf": seconds_from_now(3600)},
        "another audience": {**good, "aud": "somebody-else"},
        "half an audience": {**good, "aud": good["aud"][:-1]},
        "another issuer": {**good, "iss": "somebody"},
        "another login": {**good, "sid": new_id()},
    }
    made |= {
        f"no {claim}": {k: v for k, v in good.items() if k != claim}
        for claim in ("exp", "aud", "iss", "sid", "gen")
    }
    odd: tuple[object, ...] = (
        None,
        "",
        "x",
        "\0",
        -1,
        1.5,
        True,
        [],
        {},
        ["x"],
        "\U0001f600",
        "'; DROP TABLE users --",
    )
    endless: tuple[object, ...] = (10**30, 10**17, 1e400, float("nan"), "9" * 5000)
    for claim, values in {
        "sid": odd,
        "aud": odd,
        "iss": odd,
        "exp": odd + endless,
        "gen": (None, "", "x", [], {}, *endless[2:]),
    }.items():
        made |= {f"{claim} {value!r}": {**good, claim: value} for value in values}
    return {what: signed({"alg": "HS256", "typ": "JWT"}, claims, SECRET) for what, claims in made.items()}


def damaged(token: str) -> dict[str, str]:
    chance, inside = random.Random(5), b'{"alg":'
    head, body, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(body + "=="))
    made = {
        f"cut at {at}": token[:at]
        for at in (1, len(head), len(head) + 1, len(token) // 2, len(token) - 44, len(token) - 4)
    }
    for at in sorted(
        chance.sample(range(len(token) - 1), 20)
    ):  # the last character has bits that say nothing
        other = "A" if token[at] != "A" else "B"
        made[f"another character at {at}"] = token[:at] + other + token[at + 1 :]
    return made | {
        "another login in it": f"{head}.{part(claims | {'sid': new_id()})}.{signature}",
        "more claims": f"{head}.{part(claims | {'exp': 2**33})}.{signature}",
        "twice": f"{token}.{token}",
        "another after it": f"{token},{token}",
        "five parts": f"{head}..{body}.{signature}.{signature}",
        "four parts": f"{token}.{signature}",
        "two parts": f"{head}.{body}",
        "as JSON": json.dumps({"payload": body, "protected": head, "signature": signature}),
        "upper case": token.upper(),
        "a blank in it": f"{head}. {body}.{signature}",
        "not in base64url": f"{head}.{body}.{'+/' * 20}",
        "not JSON": f"{head}.{part(b'{')}.{signature}",
        "deep": f"{head}.{part(b'[' * 2_000)}.{signature}",
        "a deep header": f"{part(b'[' * 2_000)}.{body}.{signature}",
        "a number without end": f"{part(inside + b'9' * 2_900 + b'}')}.{body}.{signature}",
        "unicode": f"{token}\u0660\U0001f600",
        "full width": token.replace("e", "\uff45"),
        "%-encoded": token.replace(".", "%2e"),
        "quoted": f'"{token}"',
        "dots": "." * 1000,
        "nothing": "",
        "a key that is none": "tfk_" + "x" * 43 + "00000000",
        "no key": "tfk_",
    }


@pytest.mark.parametrize("make", [by_others, of_the_wrong_kind])
async def test_what_others_make_opens_nothing(
    present: Present, login: Login, make: Callable[[dict[str, Any]], dict[str, str]], said: Callable[[], str]
) -> None:
    good = login.claims(present.use)
    for what, forged in make(good).items():
        refused(await present(forged), what, present.refusal(forged))
    log = said()
    assert not [what for what, forged in make(good).items() if forged in log]
    assert (await present(login.tokens[present.use])).status_code == 200, "and the login lives on"


async def test_what_is_damaged_opens_nothing(present: Present, login: Login, said: Callable[[], str]) -> None:
    bad = damaged(login.tokens[present.use])
    for what, token in bad.items():
        refused(await present(token), what, present.refusal(token))
    log = said()
    assert not [what for what, token in bad.items() if len(token) > 20 and token in log]
    assert (await present(login.tokens[present.use])).status_code == 200


async def test_each_is_good_for_its_own_use(present: Present, login: Login) -> None:
    for use, token in login.tokens.items():
        if use is not present.use:
            refused(await present(token), f"{use} as {present.use}")
    assert (await present(login.tokens[present.use])).status_code == 200


async def test_a_megabyte_is_not_read(present: Present, login: Login, said: Callable[[], str]) -> None:
    huge = login.tokens[present.use] + "x" * MIB
    statuses = (413, 422) if present.use is Use.REFRESH else (431,)
    refused(await present(huge), "a megabyte", *statuses)
    assert huge[:100] not in said()


async def test_what_was_good_once(present: Present, login: Login, said: Callable[[], str]) -> None:
    """Of a login that has ended."""
    bearer = ("Authorization", f"Bearer {login.tokens[Use.ACCESS]}")
    assert (await present.hub.client.post("/auth/logout", headers=[bearer])).status_code == 204
    token = login.tokens[present.use]
    refused(await present(token), "ended")
    assert token not in said()


# --- who presents several, or presents them elsewhere


async def test_of_two_credentials_none_counts(hub: Running, login: Login) -> None:
    access, cookie = (Present(hub, use) for use in (Use.ACCESS, Use.COOKIE))
    mallory = await log_in(hub, "mallory@example.org")
    good, other = (f"Bearer {each.tokens[Use.ACCESS]}" for each in (login, mallory))
    for first, second in ((good, good), (good, other), (good, "Bearer x"), ("Bearer x", good), (good, "")):
        answer = await access.with_headers(("Authorization", first), ("Authorization", second))
        refused(answer, f"{first}, {second}", 422)
    good, other = (f"{COOKIE}={each.tokens[Use.COOKIE]}" for each in (login, mallory))
    for first, second in (
        (good, good),
        (good, other),
        (good, f"{COOKIE}=x"),
        (f"{COOKIE}=x", good),
        (good, COOKIE),
    ):
        refused(await cookie.with_headers(("Cookie", f"{first}; {second}")), "in one header", 422)
        refused(await cookie.with_headers(("Cookie", first), ("Cookie", second)), "in two headers", 422)
    answer = await cookie.with_headers(("Cookie", f"a=b; {good}; {COOKIE}2=x; x{COOKIE}=y"))
    assert answer.json()["user"]["email"] == "ada@example.org", "other cookies are others'"


async def test_a_header_does_not_fall_back_to_the_cookie(hub: Running, login: Login) -> None:
    """Else a page that sets one badly would change things in the name of whoever looks at it."""
    cookie = ("Cookie", f"{COOKIE}={login.tokens[Use.COOKIE]}")
    for said in (
        "Bearer x",
        "Bearer",
        "",
        "Basic YTpi",
        f"Token {login.tokens[Use.ACCESS]}",
        login.tokens[Use.ACCESS],
        f"Bearer{login.tokens[Use.ACCESS]}",
    ):
        answer = await Present(hub, Use.COOKIE).with_headers(cookie, ("Authorization", said))
        refused(answer, said)


async def test_no_other_place_is_looked_into(hub: Running, login: Login) -> None:
    token = login.tokens[Use.ACCESS]
    for name in ("access_token", "token", "key", "authorization"):
        refused(await hub.client.get("/auth/me", params={name: token}), name)
    for header in (
        "X-Api-Key",
        "X-Auth-Token",
        "Proxy-Authorization",
        "X-Access-Token",
        "Sec-WebSocket-Protocol",
    ):
        refused(await hub.client.get("/auth/me", headers={header: f"Bearer {token}"}), header)
    answer = await hub.client.get("/auth/me", headers={"Cookie": f"access_token={token}"})
    refused(answer, "another cookie")


async def test_a_login_of_a_user_s_own_is_no_key_to_another(hub: Running) -> None:
    """Tokens name a login and nothing else: who has one cannot make it name another's."""
    people = People(hub)
    (ann, as_ann), (ben, as_ben) = await people.user(account="ann"), await people.user(account="ben")
    heads, bodies, signatures = zip(
        *(headers["Authorization"].removeprefix("Bearer ").split(".") for headers in (as_ann, as_ben)),
        strict=True,
    )
    present = Present(hub, Use.ACCESS)
    for n in (0, 1):
        refused(await present(f"{heads[n]}.{bodies[n]}.{signatures[1 - n]}"), "the other's signature")
    for user, headers in ((ann, as_ann), (ben, as_ben)):
        assert (await hub.client.get("/auth/me", headers=headers)).json()["user"]["id"] == user.id


async def test_many_bad_ones_at_once_are_each_refused(hub: Running, login: Login) -> None:
    present = Present(hub, Use.ACCESS)
    bad = list(damaged(login.tokens[Use.ACCESS]).values()) * 5
    answers = await asyncio.gather(*(present(token) for token in bad), present(login.tokens[Use.ACCESS]))
    assert [answer.status_code for answer in answers] == [401] * len(bad) + [200]
