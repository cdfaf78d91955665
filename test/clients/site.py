"""A site with the Python client, which python_test.go starts.

    site.py URL KEY SESSION   does what the lines of its input say: "enqueue FIRST LAST", "stats"
                              or "close", and answers each with a line of JSON
    site.py                   does as runSite of role_test.go, with the same environment
"""

import dataclasses
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))

import theeye  # noqa: E402


def numbered(client, session, n):
    """Enqueue the event of a number."""
    if not client.enqueue(session, "page interaction", "pageview", {"host": "www.example.com", "path": "/%d" % n}):
        raise RuntimeError("event %d is dropped" % n)


def obey(url, key, session):
    client = theeye.Client(
        url, key, batch_events=40, max_wait=0.001, backoff_min=0.001, backoff_max=0.02, retry_after_max=0.02, request_timeout=2,
    )
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "enqueue":
            for n in range(*map(int, numbers)):
                numbered(client, session, n)
        elif command == "close" and not client.close(240):
            raise RuntimeError("events are left")
        print(json.dumps(dataclasses.asdict(client.stats())), flush=True)


def send_for_ever():
    env = os.environ
    client = theeye.Client(
        env["CLIENTS_URL"], env["CLIENTS_KEY"], spool=env["CLIENTS_SPOOL"], batch_events=50, max_wait=0.005, backoff_min=0.005, backoff_max=0.05,
    )
    last = int(env["CLIENTS_LAST"]) if env["CLIENTS_LAST"] else None
    n = int(env["CLIENTS_FIRST"])
    with open(env["CLIENTS_RETURNED"], "a", buffering=1) as returned:
        while n != last:
            numbered(client, env["CLIENTS_SESSION"], n)
            returned.write("%d\n" % n)
            n += 1
            if n % 100 == 0:  # not far ahead of what can be sent
                client.flush(0.1)
    if not client.close(240):
        raise RuntimeError("events are left")


if sys.argv[1:]:
    obey(*sys.argv[1:])
else:
    send_for_ever()
