"""The loader contract, and the check of programs against it. Imports `base` and `binary`."""
