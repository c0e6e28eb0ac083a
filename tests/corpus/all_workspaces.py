"""All workspaces of the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import of_configuration
import of_packages
import of_profiles
import of_refusals
import of_scripts
import of_sources
import of_targets

if TYPE_CHECKING:
    from workspaces import Workspace

OTHERS = (of_profiles, of_configuration, of_scripts, of_sources)
"""Groups of workspaces that are about other things than packages and targets."""

_MODULES = (of_packages, of_targets, of_profiles, of_configuration, of_scripts, of_sources, of_refusals)
ALL: tuple[Workspace, ...] = tuple(each for module in _MODULES for each in module.ALL)
BUILT = {each.name: each for each in ALL if not each.refused}
REFUSED = {each.name: each for each in ALL if each.refused}
