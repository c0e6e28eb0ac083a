"""Runs programs and their tests, on this machine or in QEMU. Imports `base`, `fetch` and `loader`."""
