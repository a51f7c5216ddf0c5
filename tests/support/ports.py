"""Ports of this machine for the tests' own servers."""

import os
import socket
from collections.abc import Iterator
from itertools import islice

FIRST_PORT, PORTS_PER_PROCESS, PROCESSES = 15_000, 500, 30


def free_port() -> int:
    """Return a port that nothing listens on, and that nobody else is given meanwhile.

    The system hands out others, from 32768 on, to whoever asks next: a server that is stopped
    and started again, or looked for when it is away, would meet a stranger on its own.
    """
    for port in islice(_PORTS, PORTS_PER_PROCESS):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise RuntimeError("this process has used up its ports")


def _own_ports() -> Iterator[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    place = int(worker) if worker.isdigit() else os.getpid()
    first = FIRST_PORT + place % PROCESSES * PORTS_PER_PROCESS
    while True:
        yield from range(first, first + PORTS_PER_PROCESS)


_PORTS = _own_ports()
