"""Plans units and how each is made. Runs cargo, compiles nothing.

Imports `base`, `rust`, `target`, `actions`, `project`.
"""
