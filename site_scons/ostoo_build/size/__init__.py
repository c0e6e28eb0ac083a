"""Size reports: what the bytes of a program consist of. Imports `base` and `binary`."""
