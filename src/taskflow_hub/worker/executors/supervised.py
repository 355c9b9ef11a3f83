"""One child process, seen from its worker."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.messages import CallOfAttempt
from taskflow_hub.worker.executors.wire import (
    FRAME_MAX,
    LENGTH,
    Answer,
    Asking,
    Done,
    Job,
    Progress,
    ToChild,
    Told,
    ToWorker,
    decode_to_worker,
    frame,
)
from taskflow_hub.worker.sink import AttemptSink

END_S: Final = 2.0  # how long a child that was let go may take; then it is killed
REAP_S: Final = 5.0  # how long a killed one may take to be gone

# Search path and arguments come first, so that a child finds our package, and the user's, the way its parent did.
BOOT: Final = (
    "import json, sys; connection, lifeline, path, argv = map(json.loads, sys.argv[1:]); "
    "sys.path[:], sys.argv[:] = path, argv; "
    "from taskflow_hub.worker.executors.child import main; main(connection, lifeline)"
)


class ChildDied(Exception):
    """The child process ended in the middle of an attempt; the message says how."""


class Child:
    """Made by `spawn`; every child must be ended by `end`, which also clears away what it leaves behind."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        lifeline: int,
        connection: socket.socket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process, self._lifeline, self._connection = process, lifeline, connection
        self._reader, self._writer = reader, writer
        self._killed = self._hung_up = False
        self.jobs = 0
        self.rss_mb = 0.0  # after its last attempt
        self._died: asyncio.Event | None = None  # None: the system does not tell
        self._unwatch = self._watch()

    @classmethod
    async def spawn(cls) -> Self:
        """Start a child; takes some milliseconds of the loop's time. Raises OSError when the system gives none."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            process = _launch(theirs.fileno(), read_end)
        except BaseException:
            ours.close()
            os.close(write_end)
            raise
        finally:
            theirs.close()
            os.close(read_end)
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, write_end, ours, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def usable(self) -> bool:
        return not self._killed and not self._reader.at_eof()

    async def run(self, job: Job, sink: AttemptSink | None) -> Done:
        """Let it run one attempt. Raises ChildDied."""
        self.jobs += 1
        answers: set[asyncio.Task[None]] = set()
        try:
            await self._write(job)
            while True:
                message = await self._read()
                if isinstance(message, Done):
                    self.rss_mb = message.rss_mb
                    return message
                match message:
                    case _ if sink is None:
                        pass
                    case Told(at=at, level=level, message=text, fields=fields):
                        sink.log(level, text, fields, at=at)
                    case Progress(fraction=fraction, message=text):
                        sink.progress(fraction, text)
                    case Asking(call=call):
                        answers.add(asyncio.create_task(self._ask(call, sink)))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ChildDied(_how(await self.end())) from None
        finally:
            for answer in answers:
                answer.cancel()

    def kill(self) -> None:
        """End it, and what it has started, now; `run` raises ChildDied."""
        self._killed = True
        if self._process.returncode is None:  # not reaped, so the number is still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> int | None:
        """Hang up, so that it ends; kill it when it does not, and in any case what it has started and left behind.

        Its exit status, negative for a signal; None if even the kernel cannot end it now. A second call does nothing.
        """
        if not self._hung_up:
            self._hung_up = True
            self._writer.close()
            await self._until_ended(0.0 if self._killed else END_S)
            self.kill()
            await self._until_ended(REAP_S)
            self._process.poll()
            self._unwatch()
            os.close(self._lifeline)
        return self._process.returncode

    async def _until_ended(self, wait_s: float) -> None:
        if self._died is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._died.wait()
            return
        loop, pause_s = asyncio.get_running_loop(), 0.001
        until = loop.time() + wait_s
        while not self._has_ended() and loop.time() < until:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.05)

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        if self._process.returncode is not None:
            return True
        # WNOWAIT leaves it to be reaped later: until then no other process can get its number.
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _watch(self) -> Callable[[], None]:
        """Notice its death even while a process that it forked holds its end of the socket. Returns the undo."""
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except (AttributeError, OSError):  # not Linux: then the socket alone must tell
            return lambda: None
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        self._died = told

        def unwatch() -> None:
            nonlocal descriptor
            if descriptor >= 0:
                loop.remove_reader(descriptor)
                os.close(descriptor)
                descriptor = -1

        def died() -> None:
            unwatch()
            told.set()
            with contextlib.suppress(OSError):
                self._connection.shutdown(
                    socket.SHUT_RD
                )  # what it said before is still read, then comes the end

        loop.add_reader(descriptor, died)
        return unwatch

    async def _ask(self, call: CallOfAttempt, sink: AttemptSink) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                await self._write(Answer(reply=await sink.ask(call)))
            except TaskflowError as error:  # also an answer that is too large for a frame
                await self._write(Answer(code=error.code, detail=error.detail))

    async def _write(self, message: ToChild) -> None:
        self._writer.write(frame(message))
        await self._writer.drain()

    async def _read(self) -> ToWorker:
        (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if size > FRAME_MAX:  # something of the handler's has written into our socket
            self.kill()
            raise ChildDied(f"the child process said it would send {size} bytes, and was ended")
        return decode_to_worker(await self._reader.readexactly(size))


def _launch(*descriptors: int) -> "subprocess.Popen[bytes]":
    """A process group of its own, so that the terminal's signals do not reach it, and a kill reaches all it starts."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    path = [entry or str(Path.cwd()) for entry in sys.path]
    return subprocess.Popen(
        [sys.executable, *flags, "-c", BOOT, *map(json.dumps, (*descriptors, path, sys.argv))],
        stdin=subprocess.DEVNULL,
        pass_fds=descriptors,
        process_group=0,
    )


def _how(status: int | None) -> str:
    if status is None:
        return "the child process has hung up and does not end"
    if status >= 0:
        return f"the child process ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = "; perhaps the system ran out of memory" if -status == signal.SIGKILL else ""
    return f"the child process was killed by {name}{hint}"
