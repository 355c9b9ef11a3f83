"""A network that ends leaves nothing open behind it."""

import contextlib
import gc
import socket
import warnings

import pytest

from taskflow_hub.testing.faults import TcpProxy


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
