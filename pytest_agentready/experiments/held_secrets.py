"""What the environment of an examination holds of secrets; the keys of providers that a loop is lent among them."""

from __future__ import annotations

import contextlib
import os

from pytest_agentready.domain import AnySubject, Loop, Secret, secrets
from pytest_agentready.world import keys


def run(subject: AnySubject) -> tuple[Secret, ...]:
    with keys.lent() if isinstance(subject, Loop) else contextlib.nullcontext():
        return secrets.held(os.environ)
