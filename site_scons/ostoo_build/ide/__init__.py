"""Describes programs for rust-analyzer: each crate as a build compiles it. Imports `query`, `rules` and theirs."""
