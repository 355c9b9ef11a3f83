"""The Lua files, loaded once. One file per verb; each touches one key, so that it runs on any node of a Cluster."""

import hashlib
from importlib.resources import files
from typing import Final, NamedTuple

_FOLDER: Final = files(__package__) / "lua"


class Script(NamedTuple):
    sha: str
    text: str


def script(name: str) -> Script:
    text = (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    return Script(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), text)


PUSH: Final = script("push")
REPORT: Final = script("report")
READ_ON: Final = script("read_on")
SETTLE: Final = script("settle")
READ_CALLS: Final = script("read_calls")
KEEP_INBOX: Final = script("keep_inbox")
CLOSE_INBOX: Final = script("close_inbox")
SEEN: Final = script("seen")
REACHABLE: Final = script("reachable")
CLEAN: Final = script("clean")
CHARGE: Final = script("charge")
