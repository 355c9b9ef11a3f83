"""Ports for the programs that tests start."""

import random
import socket
from typing import Final

# Linux gives the ends of callers those from 32768 on. While nobody listens at one of these it may be given away: even to a
# client that calls it again and again until its program is back, and finds itself.
PORTS: Final = range(14_000, 32_768)
_chance: Final = random.SystemRandom()
_given: Final = set[int]()


def free_port() -> int:
    """One at which nobody listens, and which no caller gets; never the same again."""
    while True:
        port = _chance.choice(PORTS)
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
