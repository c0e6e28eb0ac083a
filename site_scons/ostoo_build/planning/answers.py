"""What is stored about a workspace: answers of cargo and rustc, each with everything that it depends on."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from ostoo_build.base import digest  # noqa: TC001 - msgspec reads the types of fields
from ostoo_build.base.read_set import ReadSet  # noqa: TC001 - likewise
from ostoo_build.planning.cargo import Binary  # noqa: TC001 - likewise
from ostoo_build.rust.crate_root import StdView  # noqa: TC001 - likewise

Answer = TypeVar("Answer")


class Crate(Struct, frozen=True):
    """A crate of the checkout, and how much of std the plan found that it can see. `source` is a portable path."""

    source: str
    features: tuple[str, ...]
    is_test: bool
    view: StdView


class Question(Struct, frozen=True):
    """Identifies an answer. The memo itself contains the other data that the answer depends on.

    `what` is the kind of answer, `folder` the portable path of the folder in which cargo runs. `toolchain`,
    `configuration` and `tool` are digests of the toolchain, of cargo's configuration, and of this build's own code.
    `lock` and `target_digest` are digests of files. `features` are cargo's options that select them, also std's.
    """

    what: str
    folder: str
    toolchain: digest.Hash
    configuration: digest.Hash
    tool: digest.Hash
    lock: digest.Hash = ""
    target: str = ""
    target_digest: digest.Hash = ""
    profile: str = ""
    program: str = ""
    flags: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


class Memo(Struct, Generic[Answer], frozen=True):
    """An answer with everything that it depends on.

    `reads` are files and folders, `variables` digests of variables in the user's environment, `declared` is a digest of
    what all packages of the workspace declare, `crates` are the crates as seen with `cfgs`, `downloaded` the portable
    paths of root files in cargo's home: the user may empty it, and cargo fetches them again.
    """

    reads: ReadSet
    variables: dict[str, str]
    declared: digest.Hash
    crates: tuple[Crate, ...]
    cfgs: frozenset[str]
    downloaded: tuple[str, ...]
    answer: Answer


class Survey(Struct, frozen=True):
    """The programs of a workspace and the digest of what its packages declare, computed from `reads`."""

    reads: ReadSet
    binaries: tuple[Binary, ...]
    declared: digest.Hash


class Cfgs(Struct, frozen=True):
    """The cfgs that rustc printed."""

    cfgs: tuple[str, ...]
