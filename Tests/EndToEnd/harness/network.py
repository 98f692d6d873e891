"""Paths with a bandwidth and a packet size of their own: two network namespaces and a cable between them.

The namespaces have no names: they end with this process and the programs it started in them, however that comes about.
"""

import contextlib
import ctypes
import os
import select
import socket
import subprocess

from .processes import wait_until

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
PIDFD_GETFD = 438  # The same on every architecture.

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _own():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def missing():
    """Why this machine cannot make such paths, or None."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    try:
        Namespace().close()
        path = Path()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespaces here: {error}"
    with path:
        try:
            path.shape("10mbit", "16kb", "50ms")
        except subprocess.CalledProcessError:
            return "this kernel has no token bucket filter (sch_tbf)"
    return None


def counter(protocol, name):
    """A counter of the protocol stack this thread is in, such as ("Udp", "RcvbufErrors")."""
    with open("/proc/thread-self/net/snmp") as file:
        lines = [line.split() for line in file if line.startswith(f"{protocol}:")]
    return int(lines[1][lines[0].index(name)])


class Namespace:
    """A network of its own, with a loopback. What is started inside it, or opened inside it, stays in it."""

    def __init__(self):
        before = _own()
        try:
            _check(_libc.unshare(NEW_NETWORK), "unshare")
            self.descriptor = _own()
        finally:
            _check(_libc.setns(before, NEW_NETWORK), "setns")
            os.close(before)
        self.command("ip", "link", "set", "lo", "up")

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    @contextlib.contextmanager
    def inside(self):
        """Runs a block, in this thread, in the namespace."""
        before = _own()
        _check(_libc.setns(self.descriptor, NEW_NETWORK), "setns")
        try:
            yield
        finally:
            _check(_libc.setns(before, NEW_NETWORK), "setns")
            os.close(before)

    def command(self, *arguments):
        with self.inside():
            return subprocess.run(
                [str(argument) for argument in arguments], check=True, capture_output=True, text=True, timeout=20
            ).stdout

    def counter(self, protocol, name):
        with self.inside():
            return counter(protocol, name)

    def close(self):
        os.close(self.descriptor)


class Path:
    """The gateway's and the viewers' namespace, and the cable between them."""

    GATEWAY, VIEWERS = "10.77.1.1", "10.77.1.2"

    def __init__(self):
        self.near, self.far = Namespace(), Namespace()
        self._lost, self._ordered = [], []
        self.near.command(
            "ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", self.far.path
        )  # fmt: skip
        for namespace, device, address in ((self.near, "near", self.GATEWAY), (self.far, "far", self.VIEWERS)):
            namespace.command("ip", "address", "add", f"{address}/24", "dev", device)
            namespace.command("ip", "link", "set", device, "up")

    def shape(self, rate, burst, latency):
        """Limits what leaves the gateway's side; more than `latency` of it waiting is dropped."""
        self.near.command(
            "tc", "qdisc", "replace", "dev", "near", "root", "tbf", "rate", rate, "burst", burst, "latency", latency
        )  # fmt: skip

    def limit_packets(self, size):
        """Sets the largest packet (MTU) that the cable takes."""
        self.near.command("ip", "link", "set", "near", "mtu", size)
        self.far.command("ip", "link", "set", "far", "mtu", size)

    def settle(self):
        """Waits until all addresses may be used: a browser that sees them change as it starts may never gather any."""
        for namespace in (self.near, self.far):
            wait_until(lambda: not namespace.command("ip", "-6", "address", "show", "tentative"), 10, "still tentative")

    def block_udp(self):
        """Loses what comes to the gateway's side by UDP without a word, as many offices and hotels do."""
        self._lose(self.near, "ipproto", "udp")

    def block_port(self, port):
        """Loses what comes to a port of the gateway's side, be it by UDP or TCP."""
        for protocol in ("udp", "tcp"):
            self._lose(self.near, "ipproto", protocol, "dport", port)

    def block_client_port(self, port):
        """Loses, both ways, what a socket on the viewers' side sends and gets by UDP."""
        self._lose(self.near, "ipproto", "udp", "sport", port)
        self._lose(self.far, "ipproto", "udp", "dport", port)

    def unblock(self):
        """Lets everything through again."""
        while self._lost:
            namespace, rule = self._lost.pop()
            namespace.command("ip", "rule", "delete", *rule)

    def _lose(self, namespace, *selector):
        if namespace not in self._ordered:
            # Rules are asked by priority, and the one for local addresses has the highest there is.
            namespace.command("ip", "rule", "add", "priority", "1", "lookup", "local")
            namespace.command("ip", "rule", "delete", "priority", "0")
            self._ordered.append(namespace)
        device = "near" if namespace is self.near else "far"
        rule = ("priority", "0", "iif", device, *selector, "blackhole")
        namespace.command("ip", "rule", "add", *rule)
        self._lost.append((namespace, rule))

    def shaped(self):
        """What the shaper has dropped, and how often it had to make a packet wait."""
        answer = self.near.command("tc", "-s", "qdisc", "show", "dev", "near")
        words = answer.translate(str.maketrans("(),", "   ")).split()
        return {key: int(words[words.index(key) + 1]) for key in ("dropped", "overlimits")}

    def close(self):
        self.near.close()
        self.far.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def udp_sockets(process, port):
    """Handles on the sockets that another process has on a UDP port."""
    found = []
    process_handle = os.pidfd_open(process)
    try:
        for name in os.listdir(f"/proc/{process}/fd"):
            descriptor = _libc.syscall(PIDFD_GETFD, process_handle, int(name), 0)
            if descriptor < 0:
                continue
            try:
                handle = socket.socket(fileno=descriptor)
            except OSError:
                os.close(descriptor)
                continue
            if handle.type == socket.SOCK_DGRAM and handle.getsockname()[1] == port:
                found.append(handle)
            else:
                handle.close()
    finally:
        os.close(process_handle)
    return found


def is_full(handle):
    """Whether a socket would refuse a datagram at this moment."""
    return not select.select([], [handle], [], 0)[1]
