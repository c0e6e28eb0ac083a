"""The interfaces of rustc, cargo and build scripts: options, dep-info, directives, sources. Imports `base`."""
