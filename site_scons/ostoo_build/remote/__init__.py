"""A server of the Remote Execution API. Imports `base`, `reapi`, `rust` and `actions`."""

import os

# gRPC logs each failed connection to stderr; it reads this variable once, when it is imported
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
