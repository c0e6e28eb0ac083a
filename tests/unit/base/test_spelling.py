from ostoo_build.base import spelling


def test_a_near_name_is_suggested() -> None:
    assert spelling.one_of("helo-std", ["hello-rs", "hello-std", "all"]) == "did you mean hello-std?"


def test_where_none_is_near_all_are_named() -> None:
    assert spelling.one_of("xyzzy", ["hello-std", "all"]) == "valid names: all, hello-std"


def test_where_there_is_none_nothing_is_offered() -> None:
    assert spelling.one_of("xyzzy", []) == "no names are defined"


def test_a_word_of_any_length_is_compared() -> None:
    assert spelling.one_of("x" * 1_000_000, ["hello-std"]) == "valid names: hello-std"
