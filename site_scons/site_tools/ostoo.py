"""The tool by the name under which SCons finds it: `Environment(tools=["ostoo"])`."""

from ostoo_scons.tool import exists, generate

__all__ = ["exists", "generate"]
