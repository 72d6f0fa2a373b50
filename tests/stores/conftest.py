"""Stores to hold to the same laws, and real servers for them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antidistill.model import Clock
from antidistill.stores import MemoryStore, RedisStore, Store
from tests import redis_server

redis = pytest.importorskip("redis")


@pytest.fixture(params=["memory", "redis"])
def make(request) -> Callable[[Clock], Store]:
    """Opens an empty store that reads the time from a clock: every kind of store in turn."""
    return MemoryStore if request.param == "memory" else _opener(request.getfixturevalue("redis_url"), request.getfixturevalue("server"))


def _opener(url, server) -> Callable[[Clock], Store]:
    def open_empty(clock):
        server.flushall()
        # Time that is set by hand leaps: no lease may end by it.
        return RedisStore(url, clock=clock, timeout=10.0, lease=1e7)

    return open_empty


class Frail:
    """A Redis that can be stopped, started, frozen and thawed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = redis_server.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._stopped = True
        self.start()

    def start(self) -> None:
        self._process: subprocess.Popen[bytes] = redis_server.start(self._folder, self.port, *self._options)
        self._stopped = False

    def stop(self) -> None:
        if not self._stopped:
            self.thaw()
            self._process.kill()
            self._process.wait(10)
            self._stopped = True

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def thaw_or_start(self) -> None:
        if self._stopped:
            self.start()
        else:
            self.thaw()


@pytest.fixture
def frail(tmp_path, redis_url) -> Iterator[Frail]:
    """A Redis of one's own to treat badly."""
    server = Frail(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory, redis_url) -> Iterator[Frail]:
    """A cluster of one node that has all slots."""
    server = Frail(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes", "--cluster-port", str(redis_server.free_port()))
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
        while client.cluster("info")["cluster_state"] != "ok":
            pass
    yield server
    server.stop()
