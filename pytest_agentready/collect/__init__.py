"""From targets and markers to pytest items, one for each subject and check."""

from pytest_agentready.collect.items import Collection
from pytest_agentready.collect.marker import Marks

__all__ = ["Collection", "Marks"]
