from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.rust import options as rustc_options
from ostoo_build.rust.options import Option

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
LONG = {"-C": "--codegen", "-W": "--warn", "-A": "--allow", "-D": "--deny", "-F": "--forbid"}


@st.composite
def spelled(draw: st.DrawFn) -> tuple[list[str], str, str]:
    """One option with a value in any spelling; its flag and value."""
    flag = draw(st.sampled_from([*LONG, "-Z", "-L", "-l", "-o", "--cfg", "--extern", "--remap-path-prefix"]))
    value = draw(WORDS)
    ways = [[flag, value]]
    if flag.startswith("--"):
        ways.append([f"{flag}={value}"])
    else:
        ways.append([flag + value])
    if flag in LONG:
        ways += [[LONG[flag], value], [f"{LONG[flag]}={value}"]]
    return draw(st.sampled_from(ways)), flag, value


@given(st.lists(spelled(), max_size=5))
def test_every_spelling_is_the_same_option_and_nothing_is_lost(options: list[tuple[list[str], str, str]]) -> None:
    arguments = [word for words, _, _ in options for word in words]
    found = list(rustc_options.read(arguments))
    assert [(option.flag, option.value) for option in found] == [(flag, value) for _, flag, value in options]
    assert [word for option in found for word in option.words] == arguments


def test_letters_may_share_a_hyphen() -> None:
    assert list(rustc_options.read(["-gOCopt-level=1", "main.rs", "--test"])) == [
        Option("-g", "", ("-g",)),
        Option("-O", "", ("-O",)),
        Option("-C", "opt-level=1", ("-Copt-level=1",)),
        Option("", "main.rs", ("main.rs",)),
        Option("--test", "", ("--test",)),
    ]


def test_a_value_that_is_missing_is_empty() -> None:
    assert [option.value for option in rustc_options.read(["-C"])] == [""]
    assert [option.value for option in rustc_options.read(["--cfg"])] == [""]


def test_the_linkers_arguments_are_in_rustcs_order() -> None:
    flags = ["-C", "link-arg=a b", "-Clink_args=c  d", "-Zpre-link-args=e f", "-Clink-arg=g", "-Zpre_link_arg=h"]
    assert list(rustc_options.link_arguments(flags)) == ["e", "f", "h", "a b", "c", "d", "g"]


def test_a_folder_has_a_kind() -> None:
    assert [option.folder for option in rustc_options.read(["-Lx", "-L", "native=y", "-Lodd=name"])] == [
        ("all", "x"),
        ("native", "y"),
        ("all", "odd=name"),
    ]
