"""The files of a run: it sees its own changes, and nobody else ever does.

`grounds` says whose folder a path lies in, `overlay` keeps what would change outside of the run's own, `journal` finds out what
has changed in the end, `replacements` leads the functions of `os`, `io` and `shutil` here.
"""

from pytest_agentready.world.files.files import Files

__all__ = ["Files"]
