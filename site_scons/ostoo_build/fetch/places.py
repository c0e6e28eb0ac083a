"""Names the folders of what was downloaded for this checkout."""

from __future__ import annotations

from pathlib import Path

PRIVATE = Path(".toolchain")
"""The folder in the project for everything that this build downloads for itself."""

DEBIAN = PRIVATE / "debian"
"""The folder to which Debian's packages are unpacked."""
