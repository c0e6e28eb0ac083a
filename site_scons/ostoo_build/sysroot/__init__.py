"""The musl sysroot and who provides it. Imports `base`, `binary` and `fetch`."""
