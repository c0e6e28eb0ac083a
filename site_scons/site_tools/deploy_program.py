"""Builder `DeployProgram`: a copy of a program in the folder that the target's machine sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.base.errors import OstooError
from ostoo_build.rules import nodes
from site_tools.scons_nodes import declare, one_message

if TYPE_CHECKING:
    from ostoo_build.invocation.session import Session


def deploy_program(env: Any, name: str) -> Any:
    """Declare the copy of a declared program in DEPLOY_DIR."""
    session: Session = env["OSTOO"]
    with one_message():
        (_, target), *others = session.programs.asked([name])
        if others:
            raise OstooError("programs of several targets would have one place", remedy="deploy with one target=")
        return declare(env, nodes.deploy(session, session.plan(name, target)))


def generate(env: Any) -> None:
    env.AddMethod(deploy_program, "DeployProgram")


def exists(_env: Any) -> bool:
    return True
