"""Parsers for programs, objects and archives, which trust no field of a file. Imports `base`."""
