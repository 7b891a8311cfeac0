"""A load client that costs next to nothing: kept-alive sockets, an epoll loop, requests made beforehand.

`python -m bench.load FILE`: FILE is JSON `{host, port, connections, warm_up, requests: [text, …]}`; the requests are sent in order,
each connection waiting for its answer; those of the warm-up are not counted. Out, as JSON: requests a second, milliseconds at
p50 and p99, how many answers were not 2xx.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from pathlib import Path

END = b"\r\n\r\n"


class Line:
    """One connection: what it waits for, and since when."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._got = b""

    def send(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> int | None:
        """The status when the whole answer is there."""
        part = self.socket.recv(262144)
        if not part:
            raise ConnectionError("the server closed a connection")
        self._got += part
        head_end = self._got.find(END)
        if head_end < 0:
            return None
        head = self._got[:head_end].lower()
        start = head.find(b"content-length:") + 15
        length = int(head[start : head.find(b"\r\n", start) if head.find(b"\r\n", start) > 0 else None])
        if len(self._got) < head_end + len(END) + length:
            return None
        self._got = b""
        return int(head[9:12])


def run(host: str, port: int, connections: int, requests: list[bytes]) -> tuple[list[tuple[float, float]], int]:
    """Send everything. Out: (when it was answered, seconds it took) of each, and the number of answers that were not 2xx."""
    lines = {line.socket.fileno(): line for line in (Line(host, port) for _ in range(connections))}
    answered: list[tuple[float, float]] = []
    poll, waiting, bad = select.epoll(), iter(requests), 0
    for number, line in lines.items():
        poll.register(number, select.EPOLLIN)
        line.send(next(waiting))
    while len(answered) < len(requests):
        for number, _ in poll.poll():
            line = lines[number]
            status = line.answer()
            if status is None:
                continue
            now = time.perf_counter()
            answered.append((now, now - line.began))
            bad += not 200 <= status < 300
            if (request := next(waiting, None)) is not None:
                line.send(request)
            else:  # a server may close what is idle
                poll.unregister(number)
    return answered, bad


def main(file: str) -> None:
    """Run the plan in a file and print what came of it."""
    plan = json.loads(Path(file).read_text())
    answered, bad = run(plan["host"], plan["port"], plan["connections"], [text.encode() for text in plan["requests"]])
    counted = answered[plan["warm_up"] :]
    seconds = counted[-1][0] - answered[plan["warm_up"] - 1][0]
    took = sorted(length * 1000 for _, length in counted)
    result = {"rate": len(counted) / seconds, "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)], "bad": bad}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
