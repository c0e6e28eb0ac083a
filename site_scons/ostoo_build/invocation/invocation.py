"""What all actions of one invocation share. Makes no action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.input import Input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.planning.plan import PlannedUnit

Inputs = tuple[Input, ...]


class Invocation(Struct, frozen=True):
    """What all actions of one invocation share.

    `targets` are the target specs by name, `tools` is the toolchain's folder, `environment` what its programs need,
    `host` tells this machine's C library and linker from others': what is linked for the host fits those alone.
    """

    targets: Mapping[str, Input]
    tools: Input
    environment: tuple[tuple[str, str], ...]
    host: str
    units: Mapping[str, PlannedUnit]
