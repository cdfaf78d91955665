"""Sends events to The Eye.

    import theeye

    theeye.start(url="https://events.example.com", write_key=KEY)
    theeye.enqueue(session_id, "page interaction", "pageview", {"host": "www.example.com", "path": "/pricing"})

start makes the client that the functions of this module use; theeye.Client and
theeye.AsyncClient are for programs that hold a client of their own.

- enqueue waits for no network, and raises nothing into the site.
- An event is sent until the collector accepts or refuses it, under one id, so it counts once
  however often it is sent: also after a lost answer, with a wrong key that becomes right, and
  while the collector is unavailable.
- The queue is bounded in events and bytes. The oldest events make room; stats and on_dropped
  say how many.
- With a spool, an event whose enqueue has returned survives the end of the process, SIGKILL
  included. A loss of power may take the last seconds.
- Whatever a site does wrong is one message in its log, and a count.
- Threads may share a client. After os.fork the child begins without events, and the parent goes
  on with its own.

One thread forms batches, by number, bytes and time, sends one after the other, waits between
attempts as the answers ask, and runs the callbacks. It starts with the first event. What it does
in which case is fixed by the vectors in clients/testdata/vectors, which the clients of all
languages share.
"""

from ._async import AsyncClient
from ._client import Client
from ._default import close, default_client, enqueue, flush, start, stats
from ._report import Dropped, Refused, Stats
from ._settings import SettingsError
from ._version import VERSION as __version__

__all__ = [
    "AsyncClient", "Client", "Dropped", "Refused", "SettingsError", "Stats", "__version__", "close", "default_client",
    "enqueue", "flush", "start", "stats",
]
