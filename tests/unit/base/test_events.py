from __future__ import annotations

import time

import msgspec
import pytest

from ostoo_build.base import events
from ostoo_build.base.events import Event, Stream
from ostoo_build.base.rendered import Diagnostic


def test_each_listener_hears_what_happens_from_then_on_with_its_time() -> None:
    stream = Stream(time.monotonic() - 7)
    first: list[tuple[float, Event]] = []
    second: list[tuple[float, Event]] = []
    stream.listen(lambda at, event: first.append((at, event)))
    stream.status("Fetching", "zig")
    stream.listen(lambda at, event: second.append((at, event)))
    stream.restart()
    stream.tell(events.ActionStarted(3))
    assert [event for _, event in first] == [events.StatusShown("Fetching", "zig"), events.ActionStarted(3)]
    assert second == first[1:]
    assert first[0][0] >= 7
    assert 0 <= first[1][0] < 7


def test_a_diagnostic_is_told_with_all_that_it_has() -> None:
    heard: list[Event] = []
    stream = Stream()
    stream.listen(lambda _, event: heard.append(event))
    diagnostic = Diagnostic("error", "E0308", "mismatched types", "a.rs", "3", "9", "error[E0308]: …")
    stream.diagnosed([diagnostic])
    (event,) = heard
    assert msgspec.to_builtins(event) == {"event": "diagnostic-shown", **diagnostic._asdict()}


@pytest.mark.parametrize("kind", Event.__subclasses__())
def test_the_kind_of_an_event_is_its_name_in_small_letters(kind: type[Event]) -> None:
    tag = str(kind.__struct_config__.tag)
    assert tag.replace("-", "") == kind.__name__.lower()
    assert tag.count("-") == 1
