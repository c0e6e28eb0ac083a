"""Carries actions out: keys, records, the action cache, processes. Knows neither SCons nor which actions there are."""

import os

# gRPC writes about each failed connection on stderr; it asks for this once, when it is imported
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
