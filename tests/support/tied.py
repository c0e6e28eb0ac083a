"""Processes of tests that end with who started them, however that ended: a run that is killed leaves none behind."""

from __future__ import annotations

import shutil

TIED = (shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL", "--")
"""What a command begins with, whatever PATH it gets."""
