"""What rustc, cargo and build scripts say and are told: options, dep-info, directives, sources. Imports `base`."""
