"""Answers of an Execution service: what is no answer to the action costs a run here, and never more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from fake_reapi import FakeServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostoo_build.actions.action import Action
from ostoo_build.base import digest
from ostoo_build.base.console import Console
from ostoo_build.base.paths import PathMap
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote.channel import RemoteOptions
from ostoo_build.remote.executor import RemoteExecutor
from ostoo_build.remote.store import RemoteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.remote.executor import RemoteResult

FOLDER = "build/units/gen"
RUN = Action("BuildScriptRun", ("@{root}/script",), (), (), (f"{FOLDER}/out/",))
TEXT = b"text"


@dataclass(frozen=True)
class Service:
    """A service that answers what it is told to."""

    fake: FakeServer
    executor: RemoteExecutor

    def execute(self, **result: object) -> RemoteResult | None:
        answer = api.ActionResult(stdout_raw=b"/far/away\n", **result)  # type: ignore[arg-type]  # by name
        self.fake.answer = api.ExecuteResponse(result=answer).SerializeToString()
        return self.executor.execute(RUN, FOLDER)

    def file(self, path: str, content: bytes = TEXT) -> api.OutputFile:
        return api.OutputFile(path=path, digest=self.held(content))

    def held(self, content: bytes) -> api.Digest:
        return api.Digest(hash=self.fake.add(content), size_bytes=len(content))

    def tree(self, tree: api.Tree) -> api.OutputDirectory:
        return api.OutputDirectory(path=f"{FOLDER}/out", tree_digest=self.held(tree.SerializeToString()))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    fake = FakeServer()
    server, port = fake.start()
    console = Console(colour=False, quiet=False)
    store = RemoteStore(RemoteOptions(f"grpc://127.0.0.1:{port}"), console)
    paths = PathMap((("root", tmp_path),))
    yield Service(fake, RemoteExecutor(store, store, paths, console, 1, list))
    fake.closing.set()
    store.close()
    server.stop(None)


def folder_of(**entries: object) -> api.Directory:
    return api.Directory(**entries)  # type: ignore[arg-type]  # by name


def named(directory: api.Directory) -> api.Digest:
    content = directory.SerializeToString(deterministic=True)
    return api.Digest(hash=digest.of_bytes(content), size_bytes=len(content))


def test_files_and_folders_of_a_tree_are_told(service: Service) -> None:
    empty = folder_of()
    inner = folder_of(files=[api.FileNode(name="a", digest=service.held(TEXT), is_executable=True)])
    nodes = [
        api.DirectoryNode(name="empty", digest=named(empty)),
        api.DirectoryNode(name="inner", digest=named(inner)),
    ]
    found = service.execute(
        output_directories=[service.tree(api.Tree(root=folder_of(directories=nodes), children=[empty, inner]))]
    )
    assert found is not None
    assert (found.done.files, found.done.folders) == (("out/inner/a",), ("out/empty",))
    assert found.outputs["out/inner/a"].executable
    assert found.done.read("out/inner/a") == TEXT
    with pytest.raises(FileNotFoundError):
        found.done.read("out/b")


def odd_answers(service: Service) -> dict[str, dict[str, object]]:
    link = api.SymlinkNode(name="a", target="/etc/passwd")
    child = api.DirectoryNode(name="a", digest=api.Digest(hash="0" * 64, size_bytes=2))
    outside = api.Digest(hash="../../outside", size_bytes=1 << 20)
    return {
        "a hash that is a path": {"output_files": [api.OutputFile(path=f"{FOLDER}/out/a", digest=outside)]},
        "a negative size": {
            "output_files": [api.OutputFile(path=f"{FOLDER}/out/a", digest=api.Digest(hash="0" * 64, size_bytes=-1))]
        },
        "a file that is nowhere": {
            "output_files": [api.OutputFile(path=f"{FOLDER}/out/a", digest=api.Digest(hash="0" * 64, size_bytes=1))]
        },
        "a link": {"output_symlinks": [api.OutputSymlink(path=f"{FOLDER}/out/a", target="/etc/passwd")]},
        "a link in a tree": {"output_directories": [service.tree(api.Tree(root=folder_of(symlinks=[link])))]},
        "a folder that its tree lacks": {
            "output_directories": [service.tree(api.Tree(root=folder_of(directories=[child])))]
        },
        "a tree that is none": {
            "output_directories": [api.OutputDirectory(path=f"{FOLDER}/out", tree_digest=service.held(b"\xff"))]
        },
        "a tree that is nowhere": {"output_directories": [api.OutputDirectory(path=f"{FOLDER}/out")]},
        "words that are nowhere": {"stderr_digest": outside},
    }


@pytest.mark.parametrize("odd", odd_answers(Service(FakeServer(), None)))  # type: ignore[arg-type]  # names alone
def test_an_answer_that_can_not_be_taken_here_is_none(odd: str, service: Service, tmp_path: Path) -> None:
    assert service.execute(**odd_answers(service)[odd]) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stdout", [b"", b"/far/away", b"words\n", b"\n"])
def test_what_our_launcher_did_not_start_is_no_answer(stdout: bytes, service: Service) -> None:
    """It says where it is before all else: a script that said nothing is another thing."""
    answer = api.ActionResult(stdout_raw=stdout)
    service.fake.answer = api.ExecuteResponse(result=answer).SerializeToString()
    assert service.executor.execute(RUN, FOLDER) is None


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=40))
def test_whatever_a_service_answers_it_raises_nothing(answer: bytes, service: Service) -> None:
    service.fake.answer = answer
    assert service.executor.execute(RUN, FOLDER) is None
