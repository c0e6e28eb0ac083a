from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.boot import debian_kernel
from ostoo_build.fetch.debian_packages import Project


def silent(_line: str) -> None:
    pass


def test_an_unpacked_kernel_is_taken(tmp_path: Path) -> None:
    image = tmp_path / ".toolchain/linux-image-toy/boot/vmlinuz-6.1"
    fake.write(image, "")
    assert debian_kernel.image("linux-image-toy", Project(tmp_path, {"PATH": ""}, silent)) == image


def test_without_a_kernel_and_without_debian_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="there is no linux-image-toy: ") as caught:
        debian_kernel.image("linux-image-toy", Project(tmp_path, {"PATH": str(tmp_path)}, silent))
    assert caught.value.remedy == "name your own image: kernel=NAME:PATH"
