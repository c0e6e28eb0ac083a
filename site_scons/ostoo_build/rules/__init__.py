"""The rules: one module for each kind of node (unit, link, check, publication, report). Imports all packages below."""
