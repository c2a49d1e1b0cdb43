"""What the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_agentready.registry import Registry
from tests import examining, real_redis
from tests.project import Project

# Where pytest finds one of these it cuts no line of its summary short, and the tests read what users see at their desk.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    # A run that ends before it is configured (--agentready-explain) does not put back what its conftest replaced.
    monkeypatch.setattr(Registry, "checks", vars(Registry)["checks"])
    return Project(pytester)


@pytest.fixture(autouse=True)
def observations_forgotten() -> Iterator[None]:
    """As a session of pytest does: else all that was ever observed is looked through for each subject that follows."""
    yield
    if examining.engine.cache_info().currsize:
        examining.engine().close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[real_redis.Place]:
    """Where a real Redis is. Others may use it, too: the tests name their keys by themselves, and leave none."""
    with real_redis.running() as place:
        if place is None:
            pytest.skip(real_redis.MISSING)
        yield place
