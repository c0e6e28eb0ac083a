"""A sysroot out of a container image. Imports `base` and `sysroot`."""
