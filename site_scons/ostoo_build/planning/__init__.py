"""Plans: units, how each is made. Runs cargo, compiles nothing. Imports `base`, `rust`, `target`, `actions`."""
