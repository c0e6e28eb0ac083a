"""Linked programs, objects and archives, read without trust. Imports `base`."""
