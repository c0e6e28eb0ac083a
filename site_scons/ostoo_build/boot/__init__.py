"""Boots kernels in QEMU and runs programs on them. Imports `base`, `binary`, `fetch` and `run`."""
