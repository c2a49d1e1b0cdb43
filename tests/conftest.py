"""What the tests share."""

from __future__ import annotations

import pytest

from tests.project import Project


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)
