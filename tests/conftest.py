"""What the tests share."""

from __future__ import annotations

import os

import pytest

from pytest_agentready.registry import Registry
from tests.project import Project

# Where pytest finds one of these it cuts no line of its summary short, and the tests read what users see at their desk.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    # A run that ends before it is configured (--agentready-explain) does not put back what its conftest replaced.
    monkeypatch.setattr(Registry, "checks", vars(Registry)["checks"])
    return Project(pytester)
