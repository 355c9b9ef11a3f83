"""The network between two ends: what gets there when it is cut, healed, or hung up; and it leaves nothing open behind it."""

import contextlib
import gc
import socket
import warnings
from collections.abc import Iterator
from contextlib import closing

import pytest

from taskflow_hub.testing.faults import TcpProxy

WAIT_S = 30.0


@pytest.mark.parametrize("cut", [False, True])
def test_a_proxy_that_ends_closes_what_it_accepted(cut: bool) -> None:
    with contextlib.ExitStack() as opened, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        with TcpProxy(*server.getsockname()) as network:
            if cut:
                network.cut()
            for _ in range(20):
                caller = opened.enter_context(socket.create_connection(("127.0.0.1", network.port)))
                caller.sendall(b"x")
                if not cut:
                    answered = opened.enter_context(server.accept()[0])
                    assert answered.recv(1) == b"x"
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(WAIT_S)
        yield listening


@pytest.fixture
def network(listener: socket.socket) -> Iterator[TcpProxy]:
    with TcpProxy("127.0.0.1", listener.getsockname()[1]) as network:
        yield network


def ends(listener: socket.socket, network: TcpProxy) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection over which something has passed."""
    here = socket.create_connection(("127.0.0.1", network.port), timeout=WAIT_S)
    there, _ = listener.accept()
    there.settimeout(WAIT_S)
    here.sendall(b"first")
    assert there.recv(100) == b"first"
    return here, there


def test_what_was_sent_while_it_was_cut_gets_there_late(listener: socket.socket, network: TcpProxy) -> None:
    here, there = ends(listener, network)
    with closing(there):
        network.cut()
        here.sendall(b"second")
        here.close()
        network.heal(late=True)
        assert there.recv(100) == b"second"
        assert there.recv(100) == b""


def test_or_never(listener: socket.socket, network: TcpProxy) -> None:
    here, there = ends(listener, network)
    with closing(here), closing(there):
        network.cut()
        here.sendall(b"second")
        network.heal()
        assert there.recv(100) == b""


def test_while_it_is_cut_nobody_learns_that_the_other_end_has_gone(
    listener: socket.socket, network: TcpProxy
) -> None:
    here, there = ends(listener, network)
    with closing(there):
        network.cut()
        here.close()
        there.settimeout(0.2)
        with pytest.raises(TimeoutError):
            there.recv(100)


def test_words_at_which_it_stopped_are_lost_when_it_hangs_up(
    listener: socket.socket, network: TcpProxy
) -> None:
    here, there = ends(listener, network)
    with closing(here), closing(there):
        with network.stopping_at(b"second") as reached:
            here.sendall(b"second")
            assert reached.wait(WAIT_S)
            network.hang_up()
        assert there.recv(100) == b""
