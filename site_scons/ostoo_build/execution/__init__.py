"""Decides how each action's outputs are obtained, and obtains them.

Imports all packages below except target-specific ones.
"""
