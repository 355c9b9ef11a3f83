"""The child process that runs `cpu=True` handlers, one at a time.

It lives in a process group of its own, so a Ctrl-C in the terminal does not reach it; SIGTERM, which a service manager
sends to everybody, it ignores: the worker decides when it ends. It ends, with every process its handler has started, when
the worker does, however the worker ends, even while a handler holds the interpreter.

Everything imported here is memory in every child: no asyncio, no pydantic.
"""

import contextlib
import fcntl
import functools
import os
import pickle
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Raw

from taskflow_hub.domain.clock import utc_now
from taskflow_hub.domain.errors import TooLarge
from taskflow_hub.domain.limits import LINES_MAX, RESULT_MAX
from taskflow_hub.domain.messages import Asleep, CallOfAttempt, Reply
from taskflow_hub.worker.context import Context, plain_fields
from taskflow_hub.worker.executors import wire
from taskflow_hub.worker.executors.wire import (
    LENGTH,
    Answer,
    Asking,
    Done,
    Job,
    Progress,
    ToChild,
    Told,
    ToWorker,
)
from taskflow_hub.worker.hidden import Hidden
from taskflow_hub.worker.outcome import Postponed, Raised, Returned, answered, raised
from taskflow_hub.worker.reference import Reference
from taskflow_hub.worker.refusal import from_code
from taskflow_hub.worker.suspending import caught, suspended

PROGRESS_S: Final = 0.25  # progress is sent at most so often; the worker stores it more rarely still
OOM_SCORE: Final = "500"  # when memory runs out, the kernel shall take the child before the hub


def main(connection: int, lifeline: int) -> None:
    """Serve until the worker hangs up. Takes over both file descriptors."""
    wire.in_child = True
    for descriptor in (connection, lifeline):
        os.set_inheritable(descriptor, False)
    die_with_worker(lifeline)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)  # not SIG_IGN, which programs started by a handler would inherit
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    channel = Channel(socket.socket(fileno=connection))
    with contextlib.suppress(EOFError, OSError):  # the worker has hung up
        while True:
            job = channel.receive()
            assert isinstance(job, Job)
            outcome = run(job, channel)
            try:
                channel.send(Done(outcome, rss_mb()))
            except TooLarge:  # the engine refuses such a result; one that is just too large tells it so
                channel.send(Done(Returned(Raw(b'"%s"' % (b"x" * RESULT_MAX))), rss_mb()))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)  # whatever threads a handler has left


def run(job: Job, channel: "Channel") -> Returned | Raised | Postponed:
    secrets = Hidden(job.secrets)
    try:
        if job.main is not None:
            _adopt_main(**job.main)
        function = _resolve(job.handler)
        arguments = pickle.loads(job.arguments)  # noqa: S301 (made by our own worker)
    except BaseException as error:
        return raised(error, secrets)
    sink = PipeSink(channel, secrets)
    if job.traceparent is not None:
        from taskflow_hub.tracing.spans import remote  # memory, and time: only where traces are on

        remote(job.traceparent)
    if job.context_name is not None:
        arguments[job.context_name] = Context(job.assignment, sink)
    try:
        outcome = answered(function(**arguments), secrets)
    except BaseException as error:
        return suspended(sink.rests, error) or raised(error, secrets)
    else:
        return caught(sink, outcome) or outcome
    finally:
        sink.close()


class Channel:
    """The socket to the worker. Sending is allowed from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: ToWorker) -> None:
        data = wire.frame(message)
        with self._lock:
            self._connection.sendall(data)

    def receive(self) -> ToChild:
        """The next frame. Raises EOFError when the worker has hung up."""
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return wire.decode_to_child(self._exactly(size))

    def _exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            count = self._connection.recv_into(view)
            if count == 0:
                raise EOFError
            view = view[count:]
        return data


class PipeSink:
    """A context's words, over the channel."""

    stopping = False  # a child is killed, not asked

    def __init__(self, channel: Channel, secrets: Hidden) -> None:
        self._channel, self._secrets = channel, secrets
        self._lines_left = LINES_MAX
        self._progress: Progress | None = None
        self._progress_due = 0.0
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()
        self._closed = False
        self.rests: list[Asleep] = []

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        with self._lock:
            if self._lines_left and not self._closed:
                self._lines_left -= 1
                text, plain = self._secrets.clean(str(message)), plain_fields(fields, self._secrets)
                self._channel.send(Told(utc_now(), level, text, plain))

    def progress(self, fraction: float, message: str) -> None:
        with self._lock:
            if self._closed:
                return
            self._progress = Progress(fraction, self._secrets.clean(str(message)))
            if self._timer is not None:
                return
            if (wait_s := self._progress_due - time.monotonic()) > 0:
                self._timer = threading.Timer(wait_s, self._send_progress)
                self._timer.daemon = True
                self._timer.start()
            else:
                self._send_progress()

    def _send_progress(self) -> None:
        with self._lock:
            self._timer = None
            if self._progress is not None and not self._closed:
                self._channel.send(self._progress)
                self._progress, self._progress_due = None, time.monotonic() + PROGRESS_S

    async def ask(self, call: CallOfAttempt) -> Reply:
        return self.ask_sync(call)

    def ask_sync(self, call: CallOfAttempt) -> Reply:
        with self._lock:
            if self._closed:
                raise RuntimeError("the attempt of this context has ended")
            self._channel.send(Asking(call))
            answer = self._channel.receive()
        assert isinstance(answer, Answer)
        if answer.reply is None:
            raise from_code(answer.code, answer.detail)
        return answer.reply

    def may_block(self) -> None:
        """No loop of ours is here."""

    def close(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._send_progress()
            self._closed = True


def die_with_worker(lifeline: int) -> None:
    """End this process group when the other end of the pipe closes: when the worker has ended, in whatever way.

    Linux's kernel does it alone, so it works even while C code of a handler holds the interpreter; a thread does it where
    the kernel cannot, and when the worker was gone before we asked.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True).start()


def _wait_for_the_end(lifeline: int) -> None:
    os.read(lifeline, 1)  # nobody ever writes
    os.killpg(os.getpgrp(), signal.SIGKILL)


def rss_mb() -> float:
    """This process's memory now; where that cannot be read, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576
    except OSError:
        unit = 1_048_576 if sys.platform == "darwin" else 1_024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@functools.cache
def _resolve(handler: Reference) -> Callable[..., Any]:
    return handler.resolve()


@functools.cache
def _adopt_main(**main: str) -> None:
    """Import the worker's main module, as multiprocessing does: under another name, so its `if __name__` is not true."""
    from multiprocessing import spawn

    spawn.prepare(main)


def _ignore(*_: object) -> None:
    pass
