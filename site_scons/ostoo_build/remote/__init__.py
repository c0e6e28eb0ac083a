"""A server of the Remote Execution API. Imports `base`, `reapi`, `rust` and `actions`."""

import os

# gRPC writes about each failed connection on stderr; it asks for this once, when it is imported
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
