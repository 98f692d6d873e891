"""Fixtures of the end-to-end tests: a gateway for each file of tests, and browsers."""

import shutil

import pytest

from harness import browser as browsers
from harness import media, pion
from harness.cluster import Cluster
from harness.gateway import Gateway, binary
from harness.processes import WORK


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="also run what takes long")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--soak"):
        skip = pytest.mark.skip(reason="takes long: make soak")
        for item in items:
            if "soak" in item.keywords:
                item.add_marker(skip)


def pytest_sessionstart(session):
    if not binary().exists():
        raise pytest.UsageError(f"{binary()} is missing: make e2e builds it")
    # Logs and pictures of the last run; media files are kept, they take long to make.
    WORK.mkdir(exist_ok=True)
    for pattern in ("*.log", "*.png"):
        for file in WORK.glob(pattern):
            file.unlink()
    for directory in WORK.glob("data-*"):
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def gateway(request):
    """One gateway for all tests of a file; it must still run, and be ready, after them."""
    with Gateway(name=f"gateway-{request.module.__name__}") as running:
        yield running
        assert running.program.running, f"the gateway died\n{running.program.tail(60)}"
        assert running.is_ready()


@pytest.fixture(scope="module")
def bystander(gateway):
    """A publisher and a viewer that must not notice anything of what its file of tests does."""
    with pion.publish(gateway.whip("bystander"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("bystander", ("video", "audio"))
        with pion.watch(gateway.whep("bystander"), seconds=0) as viewer:
            viewer.wait_connected()
            yield viewer
            viewer.stop()
            video = viewer.summary(10)["tracks"]["video"]
            assert (video["missing"], video["duplicates"]) == (0, 0), video
            assert video["longestGapMs"] < 1000, video


@pytest.fixture
def stream(request):
    """A name of its own for each test."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name).strip("-")[:100]


@pytest.fixture
def start_gateway():
    """Starts gateways with settings of their own; they end with the test."""
    started = []

    def start(command="serve", ready=True, terminal=None, **settings):
        settings = {key.replace("__", "."): value for key, value in settings.items()}
        gateway = Gateway(command, settings, terminal=terminal)
        started.append(gateway)
        return gateway.start(ready)

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def cluster():
    """Starts gateways that know of each other, by their names; they end with the test."""
    gateways = Cluster()
    yield gateways
    gateways.stop()


@pytest.fixture
def chromium():
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def firefox():
    with browsers.firefox() as browser:
        yield browser
