"""Fixtures that more than one room uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from antidistill import plugins
from tests import redis_server

settings.register_profile("default", deadline=None, derandomize=bool(os.environ.get("CI")))  # machines are noisy, and CI must not be
settings.load_profile("default")

Install = Callable[[str, str, str, str], None]


def _forget() -> None:
    for registry in (plugins.actions, plugins.signals, plugins.dialects):
        registry.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with one entry point: `install(dist, group, "name = module:Class", source)`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)

    def add(dist: str, group: str, entry: str, source: str) -> None:
        info = tmp_path / f"{dist}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
        (tmp_path / f"{entry.split('=')[1].split(':')[0].strip()}.py").write_text(source)
        _forget()

    yield add
    monkeypatch.undo()
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]
    _forget()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real Redis that lives as long as the test run. Without one, tests skip; in CI they fail."""
    try:
        with redis_server.running(tmp_path_factory.mktemp("redis")) as url:
            yield url
    except redis_server.NoRedis as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def server(redis_url: str) -> Iterator[Any]:
    """A blocking client of an empty Redis."""
    redis = pytest.importorskip("redis")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        client.config_resetstat()
        yield client
