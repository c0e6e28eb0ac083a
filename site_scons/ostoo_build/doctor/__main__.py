"""A program: makes the checks that need packages, and writes a line to stderr for each finding.

Arguments: the project's folder, or nothing outside of one, and `VARIABLE=VALUE`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ostoo_build.doctor import checks
from ostoo_build.doctor.subject import Subject
from ostoo_build.start.finding import line


def main(place: str, words: list[str]) -> None:
    """Make the checks, one after another."""
    subject = Subject(Path(place) if place else None, words, os.environ)
    for name in checks.TABLE:
        if place or name != "project":
            sys.stderr.buffer.write(line(checks.make(name, subject)))
            sys.stderr.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
