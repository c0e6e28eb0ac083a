"""Actions, records and outcomes as values: what is run, and what came of it. Imports `base` and `reapi`."""
