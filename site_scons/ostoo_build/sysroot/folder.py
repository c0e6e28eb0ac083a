"""The `folder` provider: musl from a folder that the user names."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from ostoo_build.base import digest, source_files
from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.install import RAW_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.sysroot.install import RawTree


class FolderMusl(Struct, frozen=True):
    """The provider. `folder` contains `lib/` and `include/`; symbolic links in it are followed."""

    folder: Path
    has_headers: ClassVar[bool] = True

    def identity(self) -> Mapping[str, str]:
        include = source_files.all_files(self.folder / "include")
        headers = [path.relative_to(self.folder).as_posix() for path in include]
        files = {name: digest.of_file(self.folder / name) for name in (*RAW_FILES, *headers)}
        return {"name": "folder", "files": digest.of_json(files)}

    def write_raw(self, raw: RawTree) -> None:
        copy(self.folder / "lib", self.folder / "include", raw.folder)


def factory(argument: str, project: Path) -> FolderMusl:
    """Create the provider. A relative path starts at the project. Raises `OstooError` if files are missing."""
    folder = project / argument
    for name in (*RAW_FILES, "include"):
        if not (folder / name).exists():
            raise OstooError(f"the sysroot folder has no {name}", where=str(folder))
    return FolderMusl(folder)


def copy(lib: Path, include: Path, raw: Path) -> None:
    """Copy the files of a musl from two folders to the layout of a raw tree."""
    (raw / "lib").mkdir()
    for name in RAW_FILES:
        shutil.copyfile(lib / name.removeprefix("lib/"), raw / name)
    shutil.copytree(include, raw / "include", copy_function=shutil.copyfile)
