"""Checks the project's description, and the user's environment."""

from __future__ import annotations

import locale
import sys
from typing import TYPE_CHECKING

from ostoo_build.base import home, user_cache
from ostoo_build.doctor.verdict import error, ok, warning
from ostoo_build.planning import cargo

if TYPE_CHECKING:
    from ostoo_build.doctor.subject import Subject
    from ostoo_build.doctor.verdict import Verdict

_UTF_8 = "utf-8"


def project(subject: Subject) -> Verdict:
    """Check `ostoo.toml`, the variables and the workspaces' folders."""
    targets = subject.find_targets()
    folders = ", ".join(dict.fromkeys(group.folder for group in targets.groups))
    return ok(f"{subject.root}, workspaces: {folders}")


def environment(subject: Subject) -> Verdict:
    """Check the variables that decide places, and those that the build ignores."""
    places = (home.place(subject.environ), home.cargo_place(subject.environ), home.rustup_place(subject.environ))
    value = f"{', '.join(str(place.path) for place in places)}, {user_cache.folder()}"
    ignored = cargo.ignored_variables()
    if ignored:
        remedy = "unset them, or set their values in the workspace's .cargo/config.toml"
        return warning(value, f"the build ignores {', '.join(ignored)}, which cargo heeds", remedy)
    return ok(value)


def text(_: Subject) -> Verdict:
    """Check the locale: Python encodes names of files by it."""
    names = sys.getfilesystemencoding()
    try:
        chosen = locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        what = "LC_ALL, LC_CTYPE or LANG names a locale that this machine has not"
        return warning(names, what, "name one that `locale -a` lists, such as C.UTF-8")
    if names != _UTF_8:
        what = f"Python encodes names of files as {names}, and builds refuse other names than ASCII"
        return error(f"{chosen}, {names}", what, "set LC_ALL=C.UTF-8, and no PYTHONUTF8=0")
    return ok(f"{chosen}, {names}")
