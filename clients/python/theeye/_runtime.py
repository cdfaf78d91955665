"""Time, chance, threads and waiting. Tests of the shared vectors have a virtual one."""

from __future__ import annotations

import queue
import random
import threading
import time
from typing import Callable, Optional

FOREVER = 1e9  # seconds
_LONGEST = min(threading.TIMEOUT_MAX, 1e6)


class Waker:
    """Lets one thread wait until another one wakes it. wake may be called anywhere, also in a
    signal handler that interrupts wake."""

    def __init__(self) -> None:
        self._tokens: "queue.SimpleQueue[None]" = queue.SimpleQueue()

    def wake(self) -> None:
        """End the present wait, or the next one."""
        if self._tokens.empty():
            self._tokens.put(None)

    def wait(self, timeout: float) -> None:
        """Wait for wake, or so many seconds."""
        try:
            if timeout <= 0:
                self._tokens.get_nowait()
            else:
                self._tokens.get(timeout=min(timeout, _LONGEST))
        except queue.Empty:
            pass


class Runtime:
    """The real one."""

    def __init__(self) -> None:
        self.now_ns: Callable[[], int] = time.time_ns  # since 1970
        self.monotonic: Callable[[], float] = time.monotonic  # in seconds
        self._random: Optional[random.Random] = None

    def random(self) -> float:
        """Return a number from 0 to 1, 1 excluded."""
        if self._random is None:  # made by the thread that needs it: after a fork
            self._random = random.Random()
        return self._random.random()

    def new_waker(self) -> Waker:
        """Return a Waker."""
        return Waker()

    def start_thread(self, run: Callable[[], None], name: str) -> bool:
        """Start a thread that does not keep the process alive. False says that there can be none."""
        try:
            threading.Thread(target=run, name=name, daemon=True).start()
        except (RuntimeError, MemoryError):  # no thread is left, or the interpreter ends
            return False
        return True
