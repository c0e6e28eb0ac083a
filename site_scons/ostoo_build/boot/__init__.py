"""Boots kernels in QEMU and has them run programs. Imports `base`, `binary`, `fetch` and `run`."""
