"""Carries actions out: keys, records, the action cache, processes. Does not know of SCons, nor which actions there are."""
