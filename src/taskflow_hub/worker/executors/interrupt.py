"""Raising AttemptStopped in a thread that runs a handler: in that attempt, or not at all.

CPython raises an exception sent to a thread a little later than asked, at some step of its Python code. So one is only sent
while the attempt is armed, under a lock, and a thread that disarms lets one arrive that is still on its way. It can never
strike the next attempt.
"""

import ctypes
import sys
import threading
import time
from typing import Final

from taskflow_hub.worker.context import AttemptStopped
from taskflow_hub.worker.held import HeldAttempt

WINDOW_S: Final = 0.002
WAITING_HANGS_TRACED: Final = sys.version_info < (3, 12)


class Interrupt:
    """Belongs to the thread that arms and disarms; `send` is for the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = 0
        self._armed: HeldAttempt | None = None
        self._sent = False
        self.arrived = False

    def arm(self, held: HeldAttempt) -> bool:
        """From here on `held` may be interrupted. False: it was asked to stop before."""
        with self._lock:
            if held.stopping is not None:
                return False
            self._thread, self._armed, self.arrived = threading.get_ident(), held, False
            _own.interrupt = self
            return True

    def disarm(self) -> None:
        """When this returns nothing will be raised any more. Until then AttemptStopped may come out of it, once."""
        with self._lock:
            self._armed = None
            sent, self._sent = self._sent, False
        if sent:
            for _ in range(10):  # one that is still on its way arrives at the first of these
                pass

    def send(self, held: HeldAttempt) -> bool:
        """Raise AttemptStopped in `held` if it still runs, once. False: that was not possible now, try again."""
        with self._lock:
            if self._armed is not held or self._sent:
                return True
            if WAITING_HANGS_TRACED and _traced():
                return self._send_without_waiting()
            self._sent = True
            _set_exception(ctypes.c_ulong(self._thread), _STRIKE)
            return True

    def _send_without_waiting(self) -> bool:
        """For CPython 3.11 under a tracer (a debugger, coverage).

        There, while an exception waits for a thread that sits in a blocking call, every other thread hangs at its next call
        of a Python function. So it gets a moment in which to arrive, and is then taken back; nothing in between may be a
        Python function. Taking back leaves a mark that one is waiting, which only one that arrives removes.
        """
        target, here = ctypes.c_ulong(self._thread), ctypes.c_ulong(threading.get_ident())
        _set_exception(target, _STRIKE)
        time.sleep(WINDOW_S)
        if self.arrived:
            self._sent = True
            return True
        _set_exception(target, None)
        try:  # noqa: SIM105 (suppress is a Python function)
            _set_exception(here, _UNMARK)
        except Unmark:
            pass
        return False


class Strike(AttemptStopped):
    """AttemptStopped, as it is sent: it is made in the thread it has arrived in, and says so."""

    def __init__(self) -> None:
        super().__init__()
        _own.interrupt.arrived = True


class Unmark(BaseException):
    """Sent by a thread to itself."""


class _Own(threading.local):
    interrupt: Interrupt


_own = _Own()
_set_exception: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc
_STRIKE: Final = ctypes.py_object(Strike)
_UNMARK: Final = ctypes.py_object(Unmark)


def _traced() -> bool:
    return any((sys.gettrace(), threading.gettrace(), sys.getprofile(), threading.getprofile()))
