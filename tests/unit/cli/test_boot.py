from pathlib import Path

import pytest

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli.boot import BootCommand
from ostoo_build.cli.run import Runner

PROJECT = Path(__file__).parents[3]


def booter(kernel: str) -> BootCommand:
    """One that finds this project's descriptions; what is tried here comes before anything is built."""
    return BootCommand(Runner(PROJECT, [f"kernel={kernel}"], {}, Console(colour=False, quiet=True)))


@pytest.mark.parametrize(
    ("kernel", "what", "remedy"),
    [
        ("linx", "no boot description for kernel linx", "did you mean linux?"),
        ("ostoo", "kernel=ostoo needs an image of the kernel", "write kernel=ostoo:PATH"),
        ("ostoo:no/such.img", "there is no such kernel image", ""),
    ],
)
def test_a_kernel_that_is_not_there_is_told(kernel: str, what: str, remedy: str) -> None:
    with pytest.raises(OstooError) as caught:
        booter(kernel).boot(["hello-rs"])
    assert (caught.value.what, caught.value.remedy) == (what, remedy)
