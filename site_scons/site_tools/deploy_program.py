"""Builder `DeployProgram`: a copy of a program in the folder that the target's machine sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build import steps
from ostoo_build.errors import OstooError
from ostoo_build.steps import Places
from site_tools.keyed_action import KeyedAction, file_node, one_message

if TYPE_CHECKING:
    from ostoo_build.session import Session


def deploy_program(env: Any, name: str) -> Any:
    """Declare the copy of a declared program in DEPLOY_DIR."""
    session: Session = env["OSTOO"]
    with one_message():
        (_, target), *others = session.programs.asked([name])
        if others:
            raise OstooError("programs of several targets would have one place", remedy="deploy with one target=")
        program = file_node(env, Places.of(session.plan(name, target)).published[0])
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
