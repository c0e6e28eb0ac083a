"""Lends the engine of a checkout to a verb that performs an action of its own, with the checkout locked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation import services
from ostoo_build.invocation import tools as invocation_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.execution.engine import Engine
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options


@contextmanager
def engine(checkout: Checkout, options: Options) -> Iterator[Engine]:
    """Lock a checkout and create its engine; wait for the cache and unlock at the end, whatever happens."""
    checkout.lock()
    try:
        found = services.engine(checkout, options, invocation_tools.find(checkout, options), Timeline())
        try:
            yield found
        finally:
            found.cache.close()
    finally:
        checkout.close()
