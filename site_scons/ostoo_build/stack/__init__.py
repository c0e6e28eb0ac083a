"""The maximum stack use of a program. Imports `base`, `binary` and `loader`."""
