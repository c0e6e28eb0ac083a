"""Takes a sysroot from a container image. Imports `base` and `sysroot`."""
