"""What a proxy before the gateway says of its clients, and whether it is believed."""

import re

import pytest


def refusals(gateway, forwarded):
    """What a client behind a proxy is answered, and how the log calls it."""
    wrong = {"Authorization": "Bearer wrong", **forwarded}
    assert gateway.request("GET", "/api/v1/streams", headers=wrong).status == 401
    line = [line for line in gateway.program.log.splitlines() if "Request refused" in line and "401" in line][-1]
    return line


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, {"Forwarded": 'for="203.0.113.9:5"'}])
def test_a_trusted_proxy_says_whom_logs_and_limits_mean(start_gateway, header):
    gateway = start_gateway(http__trusted_proxies="127.0.0.1", limits__failures_per_minute="3")
    assert "203.0.113.9" in refusals(gateway, header)
    # Whoever comes through the proxy is not on this machine.
    assert gateway.request("GET", "/api/v1/streams", headers=header).status == 401
    answers = [gateway.request("GET", "/api/v1/streams", headers={"Authorization": "Bearer wrong", **header}) for _ in range(3)]
    assert answers[-1].status == 429
    other = {name: value.replace("203.0.113.9", "203.0.113.10") for name, value in header.items()}
    assert gateway.request("GET", "/api/v1/streams", headers={"Authorization": "Bearer wrong", **other}).status == 401


def test_nobody_else_is_believed(start_gateway):
    gateway = start_gateway(http__trusted_proxies="192.0.2.1")
    line = refusals(gateway, {"X-Forwarded-For": "203.0.113.9"})
    assert "203.0.113.9" not in line and re.search(r"127\.0\.0\.1", line), line
