"""The musl sysroot and its providers. Imports `base`, `binary` and `fetch`."""
