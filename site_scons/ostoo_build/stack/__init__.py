"""How much stack a program needs at most. Imports `base`, `binary` and `loader`."""
