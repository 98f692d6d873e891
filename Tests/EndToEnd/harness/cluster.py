"""Gateways that know of each other, through a Redis of their own."""

from .gateway import Gateway
from .processes import wait_until
from .redis import RedisServer


class Cluster:
    """Starts gateways by their names."""

    def __init__(self):
        self._redis = RedisServer().start()
        self._gateways = []

    def prepare(self, name, **settings):
        """A gateway that is not started yet."""
        settings = {key.replace("__", "."): value for key, value in settings.items()}
        gateway = Gateway(settings={"node.id": name, "redis.url": self._redis.url, **settings}, name=f"gateway-{name}")
        self._gateways.append(gateway)
        return gateway

    def start(self, gateway, url=None):
        """Starts it, and waits until the others know of it; they reach it at `url`."""
        gateway.settings["node.url"] = url or gateway.http
        gateway.start()
        wait_until(lambda: "\nmartlet_redis_up 1\n" in gateway.request("GET", "/metrics").text, 15, gateway.program.tail)
        return gateway

    def __call__(self, name, **settings):
        return self.start(self.prepare(name, **settings))

    def stop(self):
        for gateway in self._gateways:
            gateway.stop()
        self._redis.kill()
