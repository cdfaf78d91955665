"""Prints what enqueue costs, beside what writing the data as JSON costs by itself.

    python3 bench/enqueue.py [COLLECTOR WRITE_KEY]

Without a collector nothing is sent meanwhile. The time is that of the calling thread's CPU; the
time on the clock is beside it.
"""

import json
import logging
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import theeye  # noqa: E402

SESSION = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
DATA = {"host": "www.example.com", "path": "/pricing"}
CALLS = 20_000
ROUNDS = 5


def measure(call):
    """Return the microseconds of a call, of CPU and on the clock: the best round."""
    best_cpu = best_clock = 1e9
    for _ in range(ROUNDS):
        clock, cpu = time.perf_counter(), time.thread_time()
        for _ in range(CALLS):
            call()
        best_cpu = min(best_cpu, (time.thread_time() - cpu) / CALLS * 1e6)
        best_clock = min(best_clock, (time.perf_counter() - clock) / CALLS * 1e6)
    return best_cpu, best_clock


def main():
    logging.disable(logging.CRITICAL)
    url, key = (sys.argv[1:] + ["http://127.0.0.1:9", "none"])[:2]
    client = theeye.Client(url, key)
    cases = (
        ("json.dumps(data)", lambda: json.dumps(DATA)),
        ("enqueue", lambda: client.enqueue(SESSION, "page interaction", "pageview", DATA)),
    )
    for name, call in cases:
        call()
        print("%-18s %6.2f us of CPU, %6.2f us on the clock" % ((name,) + measure(call)))
    print(client.stats())
    client.close(0 if len(sys.argv) < 2 else 30)


main()
