"""Target specs: reads them and validates them against schema, policy and compiler. Imports `base` and `rust`."""
