"""Finds the kernel to boot, and makes its image with the command that `ostoo.toml` declares for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import digest, layout, own_source, process, source_files
from ostoo_build.base.errors import OstooError
from ostoo_build.boot.kernel import BootFolders, KernelImage
from ostoo_build.cli import locked_engine
from ostoo_build.execution.job import Job
from ostoo_build.project import description

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.cli.run import Runner
    from ostoo_build.project.description import ImageTable

DECIDED_BY = ("actions", "base", "cli/boot_image.py")
"""The packages and files that decide an image, besides its command."""

_IMAGE = "image"


def kernel(runner: Runner) -> KernelImage:
    """Return the kernel that a runner's variables name; its image is made now if `ostoo.toml` says how."""
    described, variables = runner.options.described.boot, runner.variables
    word = variables["kernel"]
    if word in described.images:
        word = f"{word}:{_made(runner, word, described.images[word])}"
    share = runner.root / (described.share or variables["DEPLOY_DIR"])
    folders = BootFolders(runner.root, runner.root / described.descriptions, share)
    return KernelImage(folders, word, runner.environ, runner.console)


def _made(runner: Runner, name: str, table: ImageTable) -> str:
    """Build the programs of an image, make it if an input changed, and return its portable path.

    The result is kept in this checkout only: nobody knows what else the command reads. Raises `OstooError` if it fails.
    """
    if table.programs:
        runner.build(table.programs)
    place = layout.boot_image(name)
    folder = runner.root / place
    words = {program: str(runner.path(program)) for program in table.programs} | {_IMAGE: str(folder / _IMAGE)}
    with locked_engine.engine(runner.checkout(), runner.options) as engine:
        action = Action(
            mnemonic="BootImage",
            arguments=table.command,
            environment=(),
            inputs=tuple(engine.paths.input(path) for path in dict.fromkeys(_inputs(runner, name, table))),
            outputs=(f"{place}/{_IMAGE}",),
            version=digest.of_json([own_source.digest_of(*DECIDED_BY)]),
        )

        def run() -> Outcome:
            folder.mkdir(parents=True, exist_ok=True)
            _run(runner, name, [_filled(word, words) for word in table.command])
            if not (folder / _IMAGE).is_file():
                raise _failed(runner, name, f"wrote no {_IMAGE}", "write to @{image}")
            return Outcome((_IMAGE,))

        engine.perform(Job(action, folder, place, "Making", f"image of {name}", run, needed=True, shared=False))
    return f"{place}/{_IMAGE}"


def _inputs(runner: Runner, kernel: str, table: ImageTable) -> Iterator[Path]:
    yield from map(runner.path, table.programs)
    for name in table.inputs:
        found = [file for path in sorted(runner.root.glob(name)) for file in source_files.all_files(path)]
        if not found:
            raise _failed(runner, kernel, f"has an input {name}, and there is no such file", "correct `inputs`")
        yield from found


def _filled(word: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        word = word.replace(f"@{{{name}}}", value)
    return word


def _run(runner: Runner, kernel: str, command: list[str]) -> None:
    completed = process.run(command, cwd=runner.root, env=runner.environ)
    said = (completed.stdout + completed.stderr).decode("utf-8", "replace")
    runner.console.messages(said)
    if completed.returncode:
        raise _failed(runner, kernel, f"failed with exit code {completed.returncode}", "")


def _failed(runner: Runner, kernel: str, what: str, remedy: str) -> OstooError:
    where = f"{runner.root / description.FILE}: boot.images.{kernel}"
    return OstooError(f"the command for the image of {kernel} {what}", where=where, remedy=remedy)
