"""What profiles say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspaces import library, needs, proc_macro, program, script, workspace

if TYPE_CHECKING:
    from workspaces import Workspace

_DECLARED = "features, `[dependencies]`, `[profile.*]`, `[lints]`, `[workspace.*]`"
_NO_EFFECT = "`split-debuginfo`, `rpath`, `trim-paths` of a profile"


def _of(
    name: str, profiles: str, *, profile: str = "release", row: str = _DECLARED, unstable: str = "", config: str = ""
) -> Workspace:
    """Describe a program, a library and a macro with a build script each."""
    return workspace(
        name,
        row,
        program(name, needs("low", "words"), uses="low", build=script()),
        library("low", build=script()),
        proc_macro("words", build=script()),
        root=profiles,
        profile=profile,
        unstable=unstable,
        config=config,
    )


ALL = (
    _of("no-profile", "", row="`panic`, if no profile sets it"),
    _of("no-profile-dev", "", row="`panic`, if no profile sets it", profile="dev"),
    _of("panics", '[profile.release]\npanic = "abort"\n'),
    _of("unwinds", '[profile.release]\npanic = "unwind"\n'),
    _of("lto-fat", '[profile.release]\nlto = "fat"\n'),
    _of("lto-thin", '[profile.release]\nlto = "thin"\n'),
    _of("lto-true", "[profile.release]\nlto = true\ncodegen-units = 1\n"),
    _of("lto-false", "[profile.release]\nlto = false\n"),
    _of("lto-off", '[profile.release]\nlto = "off"\n'),
    _of("lto-dev", '[profile.dev]\nlto = "thin"\nopt-level = 1\n', profile="dev"),
    _of(
        "all-keys",
        '[profile.release]\nopt-level = "z"\ndebug = "limited"\nstrip = "debuginfo"\ndebug-assertions = true\n'
        "overflow-checks = false\nlto = true\ncodegen-units = 2\npanic = 'abort'\nincremental = false\n",
    ),
    _of(
        "all-keys-dev",
        "[profile.dev]\nopt-level = 3\ndebug = false\nstrip = true\ndebug-assertions = false\n"
        "overflow-checks = true\ncodegen-units = 7\nincremental = true\n",
        profile="dev",
    ),
    _of(
        "overrides",
        "[profile.release.package.'*']\nopt-level = 1\n"
        "[profile.release.package.low]\nopt-level = 's'\ncodegen-units = 3\ndebug = 2\n"
        "[profile.release.package.overrides]\noverflow-checks = true\n"
        "[profile.release.build-override]\nopt-level = 2\ndebug = 1\ncodegen-units = 5\n",
    ),
    _of(
        "overrides-dev",
        '[profile.dev.package."low@0.1.0"]\nopt-level = 2\nstrip = "symbols"\nincremental = false\n'
        "[profile.dev.package.words]\nopt-level = 1\n",
        profile="dev",
    ),
    _of(
        "inherits",
        '[profile.mine]\ninherits = "yours"\ndebug = "line-tables-only"\n'
        '[profile.yours]\ninherits = "dev"\nopt-level = "s"\n',
        profile="mine",
    ),
    _of(
        "configured-profile",
        "[profile.release]\nopt-level = 1\n[profile.release.package.low]\nopt-level = 2\n",
        config="[profile.release]\nopt-level = 's'\n[profile.release.package.low]\ncodegen-units = 2\n",
    ),
    _of(
        "debug-of-all-kinds",
        '[profile.release]\ndebug = "line-directives-only"\n[profile.release.package.low]\ndebug = "full"\n'
        '[profile.release.build-override]\ndebug = "none"\n',
    ),
    _of(
        "profile-flags",
        '[profile.release]\nrustflags = ["--cfg", "of_profile", "-Cforce-frame-pointers=yes"]\n'
        '[profile.release.package.low]\nrustflags = ["-Copt-level=1"]\n',
        unstable="profile-rustflags = true\n",
    ),
    _of("no-effect", '[profile.release]\nsplit-debuginfo = "packed"\nrpath = true\n', row=_NO_EFFECT),
    _of(
        "trimmed",
        '[profile.release]\ntrim-paths = ["object"]\n',
        row=_NO_EFFECT,
        unstable="trim-paths = true\n",
    ),
    _of(
        "mostly-unused",
        "[profile.release.package.low]\nhint-mostly-unused = true\n",
        unstable="profile-hint-mostly-unused = true\n",
    ),
)
