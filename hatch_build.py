"""Writes into the wheel and the sdist which commit they are made of; `ostoo --version` tells it.

The wheel also gets the manual page and the scripts for shells, where these look for them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "site_scons"))

from ostoo_build.base import own_files, own_version
from ostoo_build.cli import command_line, completion, man_page

_SCRIPTS = {
    "bash": "share/bash-completion/completions/ostoo",
    "zsh": "share/zsh/site-functions/_ostoo",
    "fish": "share/fish/vendor_completions.d/ostoo.fish",
}


class OriginHook(BuildHookInterface[Any]):
    """Hatchling calls it once for each target."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling names them
        self._scratch = TemporaryDirectory()
        file = Path(self._scratch.name, own_files.ORIGIN)
        file.write_text(json.dumps(own_version.of_sources(Path(self.root))._asdict()), encoding="utf-8")
        folder = f"{own_files.PACKAGE.name}/" if self.target_name == "wheel" else ""
        build_data["force_include"][str(file)] = f"{folder}{own_files.ORIGIN}"
        if self.target_name == "wheel":
            parser = command_line.parser()
            shared = {place: completion.script(shell, parser) for shell, place in _SCRIPTS.items()}
            shared["share/man/man1/ostoo.1"] = man_page.text(parser, self.metadata.version)
            for number, (place, text) in enumerate(shared.items()):
                made = Path(self._scratch.name, str(number))
                made.write_text(text, encoding="utf-8")
                build_data["shared_data"][str(made)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - likewise
        self._scratch.cleanup()
