"""What nobody should write on a command line is asked for: shown to every user of the machine, and kept by the shell, it would
be no secret. A script gives it on standard input, a line each.
"""

import sys

from taskflow_hub.domain.errors import Invalid


def ask(what: str) -> str:
    """Raises Invalid when nothing is said."""
    if not sys.stdin.isatty():
        return _line(what)
    print(f"{what}: ", end="", file=sys.stderr, flush=True)
    return _given(sys.stdin.readline().strip(), what)


def ask_secret(what: str) -> str:
    """Without an echo."""
    if not sys.stdin.isatty():
        return _line(what)
    import getpass

    return _given(getpass.getpass(f"{what}: "), what)


def ask_new_password(what: str = "New password") -> str:
    """A person says it twice."""
    password = ask_secret(what)
    if sys.stdin.isatty() and ask_secret("The same again") != password:
        raise Invalid("These are two different passwords. Nothing was changed.")
    return password


def _line(what: str) -> str:
    line = sys.stdin.buffer.readline()
    try:
        return _given(line.decode("utf-8-sig").rstrip("\r\n"), what)
    except UnicodeDecodeError:
        raise Invalid(f"{what}: standard input is not UTF-8.") from None


def _given(text: str, what: str) -> str:
    if not text:
        raise Invalid(f"{what}: nothing was given.")
    return text
