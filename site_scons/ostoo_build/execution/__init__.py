"""Carries actions out: keys, records, the action cache, processes. Knows neither SCons nor which actions there are."""
