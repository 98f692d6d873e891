"""Between a WebRTC client and the gateway: passes on requests and datagrams, and may repeat, spoil or lose some."""

import http.server
import re
import select
import socket
import threading

from .processes import wait_until

CANDIDATE = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)


def is_media(datagram):
    """SRTP or SRTCP (RFC 7983)."""
    return 128 <= datagram[0] <= 191


def is_dtls(datagram):
    return 20 <= datagram[0] <= 63


class Relay:
    """Stands for the gateway at other ports.

    `to_gateway` and `to_client` are given each datagram and return those to pass on in its place.
    """

    def __init__(self, gateway, to_gateway=lambda datagram: [datagram], to_client=lambda datagram: [datagram]):
        self.gateway = gateway
        self.to_gateway = to_gateway
        self.to_client = to_client
        self._face = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._face.bind(("127.0.0.1", 0))
        self._backs = {}
        self._stopping = False
        self._rebinding = False
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._threads = [
            threading.Thread(target=self._http.serve_forever, daemon=True),
            threading.Thread(target=self._pass_on, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def url(self, kind, stream):
        return f"http://127.0.0.1:{self._http.server_port}/{kind}/{stream}"

    def _handler(relay):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                passed = ("Authorization", "Content-Type", "If-Match")
                headers = {name: self.headers[name] for name in passed if self.headers[name]}
                answer = relay.gateway.request(self.command, self.path, body, headers)
                content = answer.body
                if answer.status == 201:
                    port = relay._face.getsockname()[1]
                    ours = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n".encode()
                    content = CANDIDATE.sub("", answer.text).encode()
                    # A bundle has one transport: its candidates stand in the first section.
                    content = re.sub(rb"(a=ice-ufrag:)", ours + rb"\1", content, count=1)
                self.send_response(answer.status)
                for name in ("Content-Type", "Location", "ETag", "Content-Security-Policy", "Retry-After"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

        return Handler

    def _pass_on(self):
        target = ("127.0.0.1", self.gateway.webrtc_port)
        while not self._stopping:
            if self._rebinding:
                self._rebind()
            readable, _, _ = select.select([self._face, *self._backs.values()], [], [], 0.1)
            for ready in readable:
                if ready is self._face:
                    datagram, client = ready.recvfrom(4096)
                    if client not in self._backs:
                        self._backs[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        self._backs[client].bind(("127.0.0.1", 0))
                    for each in self.to_gateway(datagram):
                        self._backs[client].sendto(each, target)
                else:
                    client = next(client for client, back in self._backs.items() if back is ready)
                    for each in self.to_client(ready.recv(4096)):
                        self._face.sendto(each, client)

    def rebind(self):
        """Does what a NAT does that forgets: from now on the gateway sees each client at another port."""
        self._rebinding = True
        wait_until(lambda: not self._rebinding, 5, "the relay is stuck", 0.01)

    def _rebind(self):
        for client, back in self._backs.items():
            fresh = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            fresh.bind(("127.0.0.1", 0))
            self._backs[client] = fresh
            back.close()
        self._rebinding = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping = True
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join(5)
        for each in [self._face, *self._backs.values()]:
            each.close()
