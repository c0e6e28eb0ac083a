"""Names the folders of what was downloaded for this checkout."""

from __future__ import annotations

from pathlib import Path

PRIVATE = Path(".toolchain")
"""Where this build keeps what it fetched for itself, in the project's folder."""

DEBIAN = PRIVATE / "debian"
"""Where Debian's packages are unpacked to."""
