"""Code that runs before packages are installed or SCons is loaded. Imports `base` and `fetch`."""
