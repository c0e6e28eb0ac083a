"""Builder `ElfCheck`: the verdict on a linked program; a program that a loader would refuse is not put in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build import steps
from ostoo_build.steps import Places
from site_tools.keyed_action import KeyedAction, file_node, recorded_step

if TYPE_CHECKING:
    from ostoo_build.plan import Program
    from ostoo_build.session import Session


def elf_check(env: Any, program: Program, size_budget: int | None, linked: Any) -> Any:
    """Declare the check of a linked program against its target's loader contract, if the target has one."""
    session: Session = env["OSTOO"]
    contract = [file_node(env, session.paths.portable(path)) for path in steps.contract_files(session, program.target)]
    if not contract:
        return []
    signature = f"{steps.rules_digest()} {size_budget}"
    action = KeyedAction(signature, f"check {program.name}", lambda: steps.check_program(session, program, size_budget))
    return recorded_step(env, Places.of(program).check, [linked, *contract], action)


def generate(env: Any) -> None:
    env.AddMethod(elf_check, "ElfCheck")


def exists(_env: Any) -> bool:
    return True
