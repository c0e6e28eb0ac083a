"""Finds, provides and hashes the Rust toolchain. Imports `base`, `fetch` and `reapi`."""
