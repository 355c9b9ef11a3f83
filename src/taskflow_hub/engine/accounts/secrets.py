"""API keys as programs hold them: `tfk_`, 32 random bytes, and a checksum by which a mistyped one is told without a look."""

import base64
import hashlib
import re
import secrets
import zlib
from typing import Final

PREFIX: Final = "tfk_"
_SHAPE: Final = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{43}})([0-9a-f]{{8}})")


def new_secret() -> str:
    body = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    return f"{PREFIX}{body}{_checksum(body)}"


def digest(secret: str) -> str | None:
    """What is kept of it: a plain hash is enough for what cannot be guessed. None: it was never one of ours."""
    match = _SHAPE.fullmatch(secret)
    if match is None or match[2] != _checksum(match[1]):
        return None
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
