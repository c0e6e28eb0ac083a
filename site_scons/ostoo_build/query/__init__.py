"""Answers questions about the graph of units, in the words of Bazel's query language.

Imports `rules` and what it imports.
"""
