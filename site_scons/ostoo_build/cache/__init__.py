"""The action cache: on disk, and with a team. Imports `base`, `actions` and `remote`."""
