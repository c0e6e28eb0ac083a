"""The verbs of `./ostoo`. Imports all packages."""
