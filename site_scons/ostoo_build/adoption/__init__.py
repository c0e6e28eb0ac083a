"""Adopts a repository for `ostoo init`: looks at what it has, and writes the files that this build needs.

Imports `base` and `project`.
"""
