"""Downloads for one checkout: Debian packages and a wheel. Imports `base`."""
