"""Signed requests, as Standard Webhooks 1.0.0 writes them: who has the secret can tell that the sender had it, and when.

What is signed is `id.timestamp.body`. The id is the message's, the same for every attempt to deliver it; the timestamp is the
attempt's. While a secret is changed the sender signs with the new and the old one, and the receiver accepts either.
"""

import base64
import binascii
import hmac
import re
import secrets as randomness
import time
from collections.abc import Iterable, Mapping
from typing import Final

PREFIX: Final = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret
TOLERANCE_S: Final = 300.0
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

_ID: Final = re.compile(
    r"[!-\-/-~]{1,256}"
)  # visible ASCII but the dot, which would let one text be read as two
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_VERSION: Final = "v1"


class BadSignature(ValueError):
    """A request that is not from who has the secret, or was changed or kept back on its way. Says which, never the secret."""


def new_webhook_secret() -> str:
    """A secret to share with one receiver: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def sign_webhook(
    secrets: str | Iterable[str], *, id: str, body: bytes, at: float | None = None
) -> dict[str, str]:
    """The headers to send with this body: `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    `secrets` is one, or several while they are changed: there is a signature for each. `id` is the message's and stays the
    same when it is sent again; `at` is when it is sent (seconds since 1970; None: now), so sign anew for every attempt.

    Raises ValueError for a secret or an id that is none.
    """
    if not _ID.fullmatch(id):
        raise ValueError("a webhook's id has 1 to 256 visible ASCII characters, and no dots")
    timestamp = str(int(time.time() if at is None else at))
    signatures = [_signature(key, id, timestamp, body) for key in _keys(secrets)]
    return {ID: id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def verify_webhook(
    secrets: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance: float = TOLERANCE_S,
    now: float | None = None,
) -> str:
    """The id of a request that one of these secrets signed at most `tolerance` seconds ago, or ahead.

    `body` is what came, byte for byte, before anything parsed it; names of headers may be in any case. The same id may come
    more than once: keep those of the last minutes if that must not happen.

    Raises BadSignature, and ValueError for a secret that is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    keys = _keys(secrets)
    if missing := [name for name in (ID, TIMESTAMP, SIGNATURE) if not given.get(name)]:
        raise BadSignature(f"no header {missing[0]}")
    id, timestamp = given[ID], given[TIMESTAMP]
    if not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature(f"{TIMESTAMP} is no number of seconds")
    age_s = (time.time() if now is None else now) - int(timestamp)
    if abs(age_s) > tolerance:
        raise BadSignature(f"signed {abs(age_s):.0f} s {'ago' if age_s > 0 else 'ahead of the clock here'}")
    expected = [_signature(key, id, timestamp, body).encode() for key in keys]
    found = [each.encode("utf-8", "replace") for each in given[SIGNATURE].split()]
    # All are compared, each in constant time: how long it takes says nothing of the signature that would be right.
    if not sum(hmac.compare_digest(one, other) for one in expected for other in found):
        raise BadSignature("no signature fits: another secret, or the body or the headers were changed")
    return id


def _signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((id.encode("utf-8", "replace"), timestamp.encode(), body))
    return f"{_VERSION},{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def _keys(secrets: str | Iterable[str]) -> list[bytes]:
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise ValueError("no webhook secret is given")
    return keys


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError(f"a webhook secret begins with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} in a webhook secret must be base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a webhook secret has {SHORTEST} to {LONGEST} bytes, not {len(key)}")
    return key
