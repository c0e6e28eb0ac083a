"""Answers why something was built, or not, from what the last builds decided.

Imports `rules` and what it imports, and `start`, which knows of null builds.
"""
