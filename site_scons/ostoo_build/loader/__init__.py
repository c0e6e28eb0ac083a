"""A kernel's demands of a program, and the check of them. Imports `base` and `binary`."""
