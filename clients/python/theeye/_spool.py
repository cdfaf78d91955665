"""A queue of events in files, which survives the end of the process.

The folder of a spool has one folder for each process that uses it at a time, numbered from 0;
a process locks one for itself, and takes the events of those that no other process holds.

Events are appended to files, the segments. A segment is named by the number of its first event;
one that has no event left is removed. A line of a segment is a record:

    e NUMBER CHECKSUM EVENT
    s NUMBER CHECKSUM

The second kind says that every event below the number is settled. It may stand in any segment.
Nothing is synced: the kernel keeps what a killed process has written; a loss of power may take
the last seconds.
"""

from __future__ import annotations

import bisect
import errno
import os
import re
import sys
import time
import zlib
from typing import Dict, List, Optional, Tuple

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


MAX_SEGMENT = 4 << 20  # bytes from which a segment is full
MAX_FOLDERS = 10_000  # processes with one spool at a time
KEPT_SEGMENT = 64 << 10  # bytes up to which a segment without events left goes on
PAUSE = 1.0  # seconds without writing after a write that failed

_segment_name = re.compile(r"[0-9a-f]{16}\.spool")
_record = re.compile(rb"([es]) (\d{1,18}) ([0-9a-f]{8})(?: (.*))?", re.DOTALL)


def _open_appending(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)


def _write_all(fd: int, record: bytes) -> None:
    if os.write(fd, record) != len(record):
        raise OSError("the disk is full")


class _LockedError(Exception):
    """Another process has the folder, or another user owns it."""


class _Folder:
    """The segments of one process, locked."""

    def __init__(self, path: str) -> None:
        """Lock a folder, which is made if there is none."""
        os.makedirs(path, 0o700, exist_ok=True)
        self.path = path
        try:
            self.lock = os.open(os.path.join(path, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError as e:
            raise _LockedError from e
        try:
            _lock(self.lock)
        except OSError as e:
            os.close(self.lock)
            if e.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise  # this file system has no locks
            raise _LockedError from e

    def read(self) -> Tuple[List[bytes], int]:
        """Return the events that are not settled, in their order, and how many bytes cannot be
        read."""
        events: Dict[int, bytes] = {}
        settled = damaged = 0
        for path in self.segments():
            with open(path, "rb") as f:
                content = f.read()
            lines = content.split(b"\n")
            lines.pop()  # a record without its end: the process was killed, or the machine, in the middle
            for line in lines:
                found = _record.fullmatch(line)
                if found is None or zlib.crc32(b"%s %s %s" % (found[1], found[2], found[4] or b"")) != int(found[3], 16):
                    damaged += len(line) + 1
                elif found[1] == b"e":
                    events[int(found[2])] = found[4]
                else:
                    settled = max(settled, int(found[2]))
        return [events[n] for n in sorted(events) if n >= settled], damaged

    def segments(self) -> List[str]:
        """Return the paths of the segments, the oldest first. Other files are someone else's."""
        names = sorted(n for n in os.listdir(self.path) if _segment_name.fullmatch(n))
        return [os.path.join(self.path, n) for n in names]

    def unlock(self) -> None:
        os.close(self.lock)


def _lock_folders(path: str) -> List[_Folder]:
    """Lock a folder for this process, and all others with which no process works."""
    os.makedirs(path, 0o700, exist_ok=True)
    known = sorted(int(n) for n in os.listdir(path) if n.isascii() and n.isdigit())
    folders: List[_Folder] = []
    try:
        for n in known:
            _add_folder(folders, path, n)
        for n in range(MAX_FOLDERS):
            if folders:
                return folders
            _add_folder(folders, path, n)
        if not folders:
            raise OSError("none of %d folders of the spool is free" % MAX_FOLDERS)
    except OSError:
        for folder in folders:
            folder.unlock()
        raise
    return folders


def _add_folder(folders: List[_Folder], path: str, n: int) -> None:
    """Lock a folder, unless another process has it."""
    try:
        folders.append(_Folder(os.path.join(path, str(n))))
    except _LockedError:
        pass


class Spool:
    """The spool of one process. The client's lock guards it."""

    def __init__(self, path: str) -> None:
        """Open a spool. recovered are its events, numbered from first; damaged bytes could not
        be read; failure says why the events were not moved to segments of this process."""
        self._pause_until = 0.0
        self._fd: Optional[int] = None
        self._size = 0
        # The segments with events that are not settled: path, and the number after the last event.
        self._segments: List[Tuple[str, int]] = []
        # The events that could not be written: their first numbers, and those after their last.
        self._lacking: List[Tuple[int, int]] = []
        folders = _lock_folders(path)
        try:
            found = [folder.read() for folder in folders]
            old = [folder.segments() for folder in folders]
            # An event may be there twice: a process was killed below.
            self.recovered = list(dict.fromkeys(event for events, _ in found for event in events))
            self.damaged = sum(damaged for _, damaged in found)
            self._own = folders[0]
            # Numbers above all that the old segments have.
            last = max((int(os.path.basename(p)[:-6], 16) for p in old[0]), default=0)
            self.first = self._settled = last + (1 << 32)
            # The segments of before, with the folders of their other processes: they go when
            # each of their events is in a segment of this process, or else is settled.
            self._old = [segment for segments in old for segment in segments]
            self._others = folders[1:]
            self._old_until = self.first + len(self.recovered)
            self.failure = self._move_recovered()
        except BaseException:
            self._end_segment()
            for folder in folders:
                folder.unlock()
            raise

    def _move_recovered(self) -> str:
        """Move the events of before to segments of this process, or return why that failed. It
        fails where the disk is full, perhaps of these events: they stay where they are."""
        try:
            for i, event in enumerate(self.recovered):
                self.append(self.first + i, event)
        except OSError as e:
            for path, _ in self._segments:
                try:
                    os.remove(path)  # it has copies alone
                except OSError:
                    pass  # an event that is there twice counts once
            self._segments = []
            self._lacking = []
            return str(e)
        try:
            self._remove_old()
        except OSError as e:
            return str(e)
        return ""

    def _remove_old(self) -> None:
        while self._old:
            os.remove(self._old[-1])
            self._old.pop()
        while self._others:
            self._others.pop().unlock()

    def next_number(self) -> int:
        """Return the number of the next event."""
        return self._segments[-1][1] if self._segments else self._settled

    def append(self, number: int, event: bytes) -> bool:
        """Write an event. Where that fails it raises OSError; then nothing is written for a
        while, and False is returned."""
        written = False
        try:
            if not self._pause_until or time.monotonic() >= self._pause_until:
                self._write(b"e", number, event)
                self._segments[-1] = (self._segments[-1][0], number + 1)
                written = True
        finally:
            if not written:
                first, end = self._lacking.pop() if self._lacking else (number, number)
                if end != number:
                    self._lacking.append((first, end))
                    first = number
                self._lacking.append((first, number + 1))
        return written

    def resume(self) -> None:
        """End the time without writing after a failure."""
        self._pause_until = 0.0

    def lacks(self, number: int) -> bool:
        """Report whether an event that is not settled could not be written."""
        place = bisect.bisect_right(self._lacking, (number, sys.maxsize)) - 1
        return place >= 0 and number < self._lacking[place][1]

    def _write(self, kind: bytes, number: int, event: bytes) -> None:
        head = b"%s %d " % (kind, number)
        record = b"%s%08x" % (head, zlib.crc32(event, zlib.crc32(head)))
        record += b" %s\n" % event if kind == b"e" else b"\n"
        try:
            if self._fd is None:
                path = os.path.join(self._own.path, "%016x.spool" % self.next_number())
                self._fd = _open_appending(path)
                self._size = os.fstat(self._fd).st_size
                if not self._segments or self._segments[-1][0] != path:
                    self._segments.append((path, self.next_number()))
            _write_all(self._fd, record)
        except OSError:
            self._pause_until = time.monotonic() + PAUSE
            if self._fd is not None:
                try:
                    os.ftruncate(self._fd, self._size)  # else a part of a record spoils the next one
                except OSError:
                    pass
            self._end_segment()
            raise
        self._pause_until = 0.0
        self._size += len(record)
        if self._size >= MAX_SEGMENT:
            self._end_segment()

    def _end_segment(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def settle_below(self, number: int) -> None:
        """Record that every event below a number is settled, and remove the segments that hold
        no other. A record that cannot be written costs a repetition after a start: the events
        are sent again, under their ids."""
        if number <= self._settled:
            return
        self._settled = number
        while self._lacking and self._lacking[0][1] <= number:
            del self._lacking[0]
        try:
            if self._old:
                if number < self._old_until:
                    return  # a record would settle all events of before: their numbers are lower
                self._remove_old()
            if self._fd is not None and self._segments[-1][1] <= number and self._size > KEPT_SEGMENT:
                self._end_segment()
            self._remove_settled()
            if self._segments:
                self._write(b"s", number, b"")
        except OSError:
            pass

    def _remove_settled(self) -> None:
        while self._segments and self._segments[0][1] <= self._settled:
            if self._fd is not None and len(self._segments) == 1:
                return  # it goes on
            os.remove(self._segments[0][0])
            del self._segments[0]

    def close(self) -> None:
        """Unlock the spool. Events that are not settled stay in it."""
        try:
            self._end_segment()
            self._remove_settled()
        except OSError:
            pass
        for folder in (self._own, *self._others):
            folder.unlock()

    def forget(self) -> None:
        """Close the files in a process that was forked: the spool is its parent's."""
        for fd in (self._fd, self._own.lock, *(folder.lock for folder in self._others)):
            if fd is not None:
                try:
                    os.close(fd)
                except OSError:
                    pass
        self._fd = None
