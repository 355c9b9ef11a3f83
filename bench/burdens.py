"""What others do to a database while a queue works on it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event
from typing import Final

from bench.servers import Server

READERS: Final = 4
SCAN_EVERY_S: Final = 1.0


@contextmanager
def held(server: Server) -> Iterator[None]:
    """A transaction is open meanwhile, so that nothing that passes can be cleared away."""
    with closing(server.snapshot()):
        yield


@contextmanager
def readers(server: Server, query: str) -> Iterator[None]:
    """Each holds a snapshot and asks this of it, a little after one another. What goes wrong with one is raised at the end."""
    stop = Event()

    def read(number: int) -> None:
        with closing(server.snapshot()) as session:
            stop.wait(number * SCAN_EVERY_S / READERS)
            while not stop.is_set():
                session.execute(query).fetchone()
                stop.wait(SCAN_EVERY_S)

    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(read, number) for number in range(READERS)]
        try:
            yield
        finally:
            stop.set()
    for one in reading:
        one.result()
