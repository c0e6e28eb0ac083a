import pytest

from ostoo_build.base import byte_size
from ostoo_build.base.errors import OstooError


@pytest.mark.parametrize(
    ("text", "size"), [("512 B", 512), ("64 KiB", 65536), ("1 MiB", 1048576), ("64KiB", 65536), ("2 GiB", 2 << 30)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert byte_size.parse(text) == size


@pytest.mark.parametrize("text", ["", "64", "64 kB", "64 KB", "-1 B", "1.5 KiB", "64 KiB\n", "٣ B", "9" * 10 + " B"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(OstooError, match="is not a valid size") as caught:
        byte_size.parse(text)
    assert caught.value.remedy == "write a whole number and one of B, KiB, MiB, GiB, such as 64 KiB"
