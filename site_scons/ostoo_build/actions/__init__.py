"""Actions, records and outcomes as values: what is run, and what it produced. Imports `base` and `reapi`."""
