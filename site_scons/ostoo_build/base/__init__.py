"""Utilities for all packages: errors, paths, files, digests, processes, console. Imports no other package."""
