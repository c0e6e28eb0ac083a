"""Target specs: read, held against schema, policy and compiler. Imports `base` and `rust`."""
