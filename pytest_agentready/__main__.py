"""`python -m pytest_agentready` is the command line `pytest-agentready`."""

import sys

from pytest_agentready.cli import main

sys.exit(main())
