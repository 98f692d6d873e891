"""A bad network between a WebRTC client and the gateway: loss, delay, jitter and a bottleneck with a queue.

In user space and on loopback, so that it needs neither root nor a kernel with netem.
"""

import heapq
import random
import select
import socket
import time

from .relay import Relay, is_media


class Link:
    """One direction. All figures may be changed while it is in use.

    `loss` is a share, `delay` and `jitter` are seconds, `rate` is bits per second or None, `queue` is seconds.
    `burst` further datagrams are lost after each that is.
    """

    def __init__(self, loss=0.0, delay=0.0, jitter=0.0, rate=None, queue=0.2, burst=0, seed=1):
        self.loss, self.delay, self.jitter, self.rate, self.queue, self.burst = loss, delay, jitter, rate, queue, burst
        self._random = random.Random(seed)
        self._free_at = 0.0
        self._bad = 0
        self.passed = self.lost = self.overflowed = 0

    def leaves_at(self, datagram, now):
        """When a datagram arrives at the other end, or None."""
        if is_media(datagram):
            if self._bad > 0:
                self._bad -= 1
                self.lost += 1
                return None
            if self._random.random() < self.loss:
                self._bad = self.burst
                self.lost += 1
                return None
        at = now
        if self.rate:
            start = max(now, self._free_at)
            if start - now > self.queue:
                self.overflowed += 1
                return None
            self._free_at = at = start + (len(datagram) + 28) * 8 / self.rate
        self.passed += 1
        return at + max(0.0, self.delay + self._random.uniform(-self.jitter, self.jitter))


class ImpairedPath(Relay):
    """The gateway, seen through a link each way. Pages can be opened through it too."""

    def __init__(self, gateway, up=None, down=None):
        self.up, self.down = up or Link(seed=1), down or Link(seed=2)
        super().__init__(gateway)

    def page(self, kind, stream, fragment=""):
        return self.url(kind, stream) + (f"#{fragment}" if fragment else "")

    def _pass_on(self):
        target = ("127.0.0.1", self.gateway.webrtc_port)
        clients, waiting, count = {}, [], 0
        while not self._stopping:
            timeout = max(0.0, min(waiting[0][0] - time.monotonic(), 0.1)) if waiting else 0.1
            readable, _, _ = select.select([self._face, *clients], [], [], timeout)
            for ready in readable:
                # A burst is taken whole, so that it is not the relay that spreads it.
                while True:
                    try:
                        datagram, source = ready.recvfrom(4096, socket.MSG_DONTWAIT)
                    except BlockingIOError:
                        break
                    now = time.monotonic()
                    if ready is self._face:
                        if source not in self._backs:
                            back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                            back.bind(("127.0.0.1", 0))
                            self._backs[source] = back
                            clients[back] = source
                        at, door, to = self.up.leaves_at(datagram, now), self._backs[source], target
                    else:
                        at, door, to = self.down.leaves_at(datagram, now), self._face, clients[ready]
                    if at is not None:
                        count += 1
                        heapq.heappush(waiting, (at, count, door, to, datagram))
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, door, to, datagram = heapq.heappop(waiting)
                door.sendto(datagram, to)
