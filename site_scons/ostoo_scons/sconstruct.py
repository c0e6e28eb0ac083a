"""Does what every SConstruct has to do: reads the request, the SConscripts of what is requested, and declares it."""

from __future__ import annotations

from SCons.Script import DefaultEnvironment, EnsureSConsVersion, Environment, GetOption

from ostoo_scons import tool


def build() -> None:
    """Declare what the command line requests."""
    DefaultEnvironment(tools=[])  # else SCons looks for C compilers, and runs those it finds, at each start
    EnsureSConsVersion(4, 8)
    env = Environment(tools=[tool.generate])
    if GetOption("help"):
        return
    for script in env.Requested().scripts:
        env.SConscript(env.fs.File(f"#/{script}"), exports={"env": env})  # in a text SCons would look for variables
    env.DeclareRequested()  # no SConscript says more about some
