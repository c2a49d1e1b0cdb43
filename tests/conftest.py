"""What the tests share."""

from __future__ import annotations

import pytest

from pytest_agentready.registry import Registry
from tests.project import Project


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    # A run that ends before it is configured (--agentready-explain) does not put back what its conftest replaced.
    monkeypatch.setattr(Registry, "checks", vars(Registry)["checks"])
    return Project(pytester)
