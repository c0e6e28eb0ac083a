"""The description of a repository, `ostoo.toml`: its workspaces, targets and programs, and values of variables.

Imports `base`.
"""
