"""The action cache: on disk, and shared with a team. Imports `base`, `actions` and `remote`."""
