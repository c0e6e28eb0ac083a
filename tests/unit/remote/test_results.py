from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.actions.learned import Learned
from ostoo_build.actions.record import Output, Record
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import results

KEY = "k" * 64
FOLDER = "build/units/core"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: not {"", ".", ".."} & set(name.split("/"))
)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
RECORDS = st.builds(
    Record,
    key=st.just(KEY),
    outputs=st.dictionaries(NAMES, st.builds(Output, HEX, st.integers(0, 2**60), st.booleans())),
    stdout=TEXT,
    stderr=TEXT,
    folders=st.lists(NAMES, unique=True, max_size=3).map(sorted).map(tuple),
    learned=st.builds(
        Learned,
        st.lists(NAMES, max_size=3).map(tuple),
        st.lists(TEXT, max_size=3).map(tuple),
        st.none() | st.lists(NAMES, max_size=3).map(tuple),
    ),
)
GOOD = api.OutputFile(path=f"{FOLDER}/lib.rlib", digest=api.Digest(hash="0" * 64, size_bytes=1))


@given(RECORDS)
def test_a_record_comes_back_as_it_was(made: Record) -> None:
    assert results.to_record(results.from_record(made, FOLDER), KEY, FOLDER) == made


def test_files_are_named_by_their_paths_in_the_checkout() -> None:
    made = Record(KEY, {"rlib/lib.rlib": Output("0" * 64, 7, executable=True)})
    (file,) = api.ActionResult.FromString(results.from_record(made, FOLDER)).output_files
    assert file.path == f"{FOLDER}/rlib/lib.rlib"
    assert (file.digest.hash, file.digest.size_bytes, file.is_executable) == ("0" * 64, 7, True)


def test_what_was_written_follows_the_line_that_tells_the_root() -> None:
    said = api.ActionResult.FromString(results.from_record(Record(KEY, {}, "cargo::warning=a\n", "b"), FOLDER))
    assert (said.stdout_raw, said.stderr_raw) == (b"@{root}\ncargo::warning=a\n", b"b")
    silent = api.ActionResult.FromString(results.from_record(Record(KEY, {}), FOLDER))
    assert (silent.stdout_raw, silent.stderr_raw) == (b"", b"")


def test_equal_records_are_equal_bytes() -> None:
    outputs = {name: Output("0" * 64, 1, executable=False) for name in "ab"}
    backwards = dict(reversed(outputs.items()))
    assert results.from_record(Record(KEY, outputs), FOLDER) == results.from_record(Record(KEY, backwards), FOLDER)


def of_file(path: str, sha256: str, size: int) -> api.ActionResult:
    content = api.Digest(hash=sha256, size_bytes=size)
    return api.ActionResult(output_files=[api.OutputFile(path=path, digest=content)])


@pytest.mark.parametrize(
    "bad",
    [
        *(of_file(f"{FOLDER}{end}", "0" * 64, 1) for end in ("//etc/passwd", "/", "/.", "")),
        of_file(f"{FOLDER}/a", "/etc/passwd", 1),
        of_file(f"{FOLDER}/a", "../../x", 1),
        of_file(f"{FOLDER}/a", "0" * 63, 1),
        of_file(f"{FOLDER}/a", "0" * 64, -1),
        api.ActionResult(exit_code=1),
        api.ActionResult(output_files=[api.OutputFile(path="elsewhere/lib.rlib")]),
        api.ActionResult(output_files=[api.OutputFile(path=f"{FOLDER}/../../lib.rlib")]),
        api.ActionResult(output_files=[api.OutputFile(path=f"{FOLDER}2/lib.rlib")]),
        api.ActionResult(output_directories=[api.OutputDirectory(path=FOLDER)]),
        api.ActionResult(stdout_raw=b"/somewhere/else\ncargo::rustc-cfg=a\n"),
        api.ActionResult(stderr_raw=b"\xff"),
        api.ActionResult(output_files=[GOOD], stdout_digest=api.Digest(hash="0" * 64, size_bytes=7)),
        api.ActionResult(output_files=[GOOD], stderr_digest=api.Digest(hash="0" * 64, size_bytes=7)),
        api.ActionResult(output_files=[GOOD], output_symlinks=[api.OutputSymlink(path=f"{FOLDER}/a", target="/etc")]),
        api.ActionResult(
            output_directories=[
                api.OutputDirectory(path=f"{FOLDER}/a", tree_digest=api.Digest(hash="0" * 64, size_bytes=2))
            ]
        ),
    ],
)
def test_what_this_build_did_not_write_is_no_result(bad: api.ActionResult) -> None:
    content = bad.SerializeToString()
    with pytest.raises(ValueError, match=r".+"):
        results.to_record(content, KEY, FOLDER)
    good = api.ActionResult(output_files=[GOOD]).SerializeToString()
    assert results.to_record(good, KEY, FOLDER).outputs


@given(st.binary(min_size=1))
def test_garbage_is_no_result_or_an_empty_one(garbage: bytes) -> None:
    try:
        found = results.to_record(garbage, KEY, FOLDER)
    except ValueError:
        return
    assert not found.outputs
