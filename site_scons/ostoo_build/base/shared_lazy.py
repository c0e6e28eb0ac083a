"""Attributes that are made when they are first asked for, once, whichever threads ask.

`functools.cached_property` does so up to Python 3.11; since 3.12 two threads that ask at once get two values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import Protocol

    class Shared(Protocol):
        """`making` is held while an attribute is made: one may ask for another meanwhile."""

        making: threading.RLock


_Value = TypeVar("_Value")


class shared_lazy(Generic[_Value]):  # noqa: N801 - it is written as `property` is
    """As `cached_property`, in a class whose objects have a lock `making`."""

    def __init__(self, make: Callable[[Any], _Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> shared_lazy[_Value]: ...
    @overload
    def __get__(self, instance: Shared, owner: type) -> _Value: ...
    def __get__(self, instance: Shared | None, owner: type) -> shared_lazy[_Value] | _Value:
        if instance is None:
            return self
        with instance.making:
            if self._name not in instance.__dict__:
                instance.__dict__[self._name] = self._make(instance)
            found: _Value = instance.__dict__[self._name]
            return found
