"""What the process was started with: imported with the plugin, before a test can change it."""

from __future__ import annotations

import os

SEARCH_PATH = os.environ.get("PATH", os.defpath)
