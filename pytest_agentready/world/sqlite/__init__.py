"""SQLite in a run: a database outside of the run's own folder is a copy, and every write that stands is an effect.

SQLite's own trace tells of each statement before it runs, the count of changed rows whether the one before changed anything, and the
state of the transaction whether it stands. A connection that a run has made and kept leads to the real database again afterwards,
and to a new copy in the next run. One that the user's code has made before is left its database: that is put back after the run.
"""

from pytest_agentready.world.sqlite.databases import Databases
from pytest_agentready.world.sqlite.older import count_older, is_older, remember

__all__ = ["Databases", "count_older", "is_older", "remember"]
