"""What is fetched for one checkout alone: Debian packages, a wheel. Imports `base`."""
