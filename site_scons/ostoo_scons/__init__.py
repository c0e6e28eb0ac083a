"""The interface to SCons, all of it: a project's SConstruct is `import ostoo_scons` and `ostoo_scons.build()`."""

from ostoo_scons.sconstruct import build

__all__ = ["build"]
