"""Builder `DeployProgram`: a copy of a program in the folder that the target's machine sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build import steps
from site_tools.keyed_action import KeyedAction

if TYPE_CHECKING:
    from ostoo_build.session import Session


def deploy_program(env: Any, program: Any) -> Any:
    """Declare the copy of a built program in DEPLOY_DIR."""
    session: Session = env["OSTOO"]
    source = Path(program.get_abspath())
    destination = session.root / session.variables["DEPLOY_DIR"] / source.name
    steps.drop_if_differs(source, destination)
    action = KeyedAction("", f"deploy {destination}", lambda: steps.deploy(session, source, destination))
    node = env.Command(env.fs.File(str(destination)), program, action)
    env.Precious(node)
    return node


def generate(env: Any) -> None:
    env.AddMethod(deploy_program, "DeployProgram")


def exists(_env: Any) -> bool:
    return True
