"""The mistakes of `test_mistakes`, in builds that a server carries out: the same messages, the same exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import test_mistakes
from trees import ServedTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trees import Tree

globals().update({name: test for name, test in vars(test_mistakes).items() if name.startswith("test_")})
pytestmark = test_mistakes.pytestmark


@pytest.fixture
def tree(tree: Tree) -> Iterator[ServedTree]:
    served = ServedTree(tree.root, tree.cache)
    served.wait_for_server()
    yield served
    assert served.served() > 0
    served.stop_server()
