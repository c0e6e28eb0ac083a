"""Variables of the user's environment that crates ask for: cargo's values, and in the key of all that is made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import crates
import pytest
from trees import cargo, copy_sources

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Result, Tree

pytestmark = pytest.mark.compiler

ASKED = ("PATH", "HOME", "FIRST_WORD", "EMPTY_WORD", "LINES_OF_WORDS", "UNSET_WORD", "RUSTFLAGS")
SAID = "\n".join(f'println!("{name} {{:?}}", option_env!("{name}"));' for name in ASKED)
LIBRARY = (
    '#![no_std]\npub const SAID: Option<&str> = option_env!("SAID_WORD");\npub fn said() -> &\'static str {{ "{}" }}\n'
)


@pytest.fixture
def asking(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A program and its library, which ask for a variable each."""
    for name in ("SAID_WORD", "OWN_WORD"):
        monkeypatch.delenv(name, raising=False)
    crates.add(tree, "asker", "", lib=LIBRARY.format("plain"))
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('asker')}"
    tells = 'println!("{:?} {:?} {}", asker::SAID, option_env!("OWN_WORD"), asker::said());'
    crates.add(tree, "seen", asks, main=crates.main(tells))
    return tree


def sees(place: Tree, *expected: str | None) -> Result:
    built = place.build("seen")
    told = " ".join("None" if word is None else f'Some("{word}")' for word in expected)
    assert place.run("seen")[1].rpartition(" ")[0] == told
    assert place.build("seen").steps == []
    return built


def test_a_crate_has_the_values_that_cargo_gives_it(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST_WORD", "a @{root} $HOME 'b'")
    monkeypatch.setenv("EMPTY_WORD", "")
    monkeypatch.setenv("LINES_OF_WORDS", "one\ntwo\\three\r")
    monkeypatch.delenv("RUSTFLAGS", raising=False)
    # a program that names this machine's folders is refused otherwise
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()
    crates.add(tree, "seen", f"[dependencies]\n{crates.RUNTIME}", main=crates.main(SAID))
    tree.build("seen")
    plain = tmp_path / "plain"
    (plain / "src").mkdir(parents=True)
    (plain / "Cargo.toml").write_text('[package]\nname = "plain"\nversion = "0.1.0"\nedition = "2024"\n')
    (plain / "src/main.rs").write_text(f"fn main() {{ {SAID} }}")
    said = cargo(plain, "run", "-q")
    assert tree.run("seen")[1] == said
    assert 'FIRST_WORD Some("a @{root} $HOME' in said


def test_a_variable_that_a_crate_asks_for_is_in_its_key_wherever_the_result_is_from(
    asking: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `build`, as one program and in parts; in the cache, as one program and in parts."""
    sees(asking, None, None)
    clone, parts = copy_sources(asking, tmp_path / "clone"), copy_sources(asking, tmp_path / "parts")
    # its program is another one, of parts that are in the cache
    parts.replace("user-rs/seen/src/main.rs", ' {}"', ' {}."')
    for value in ("set", "", None, "set"):
        for name in ("SAID_WORD", "OWN_WORD"):
            if value is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, value)
            for place in (asking, clone, parts):
                built = sees(place, value, os.environ.get("OWN_WORD"))
                assert not {"core", "alloc"} & set(built.done("Compiling"))


def test_what_is_made_with_a_variable_is_told_once_and_shared(
    asking: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAID_WORD", "shared")
    warning = "warning: a crate asks for SAID_WORD, which is set here"
    assert sees(asking, "shared", None).stderr.count(warning) == 1
    asking.replace("user-rs/seen/src/main.rs", ' {}"', ' {}."')
    assert warning not in sees(asking, "shared", None).stderr
    other = copy_sources(asking, tmp_path / "other")
    assert sees(other, "shared", None).done("Compiling") == [], "all of it is in the cache"


def test_a_variable_that_a_crate_can_not_do_without_is_given_to_it(
    asking: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.write(
        "user-rs/asker/src/lib.rs", LIBRARY.format("needy").replace("option_env!", "Some(env!").replace(");", "));")
    )
    failed = asking.scons("seen")
    assert failed.code == 2
    assert "environment variable `SAID_WORD` not defined at compile time" in failed.stderr
    for value in ("a", "b"):
        monkeypatch.setenv("SAID_WORD", value)
        assert "not defined" not in sees(asking, value, None).stderr


def test_one_that_each_shell_sets_for_itself_is_refused_by_name(asking: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHLVL", "7")
    asking.write("user-rs/asker/src/lib.rs", LIBRARY.format("shell").replace("SAID_WORD", "SHLVL"))
    refused = asking.scons("seen")
    assert refused.code == 2
    assert "the crate asker v0.1.0 asks for the environment variable SHLVL, which each shell sets" in refused.stderr
    settings = asking.root / "user-rs/.cargo/config.toml"
    settings.write_text(settings.read_text() + '\n[env]\nSHLVL = { value = "1", force = true }\n')
    sees(asking, "1", None)


def test_the_value_of_a_variable_is_not_in_the_action_log(asking: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAID_WORD", "x7-not-for-anybody-q3")
    sees(asking, "x7-not-for-anybody-q3", None)
    entries = [path.read_bytes() for path in (asking.root / "build/.ostoo/actions").rglob("*.json")]
    assert any(b"SAID_WORD" in entry for entry in entries), "this looks at nothing"
    assert not any(b"x7-not-for-anybody-q3" in entry for entry in entries)
