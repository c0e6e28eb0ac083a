from __future__ import annotations

import pytest

from ostoo_build.actions import compiler_output


@pytest.mark.parametrize("assembled", ["", '[{"path":"a.s"}]'])
@pytest.mark.parametrize("diagnostics", ["", '{"message":"a"}\n', '{"message":"a"}\n{"message":"b"}\n'])
def test_both_parts_are_told_apart(assembled: str, diagnostics: str) -> None:
    text = compiler_output.joined(assembled, diagnostics)
    assert (compiler_output.assembled(text), compiler_output.diagnostics(text)) == (assembled, diagnostics)
    assert bool(text) == bool(assembled or diagnostics)
