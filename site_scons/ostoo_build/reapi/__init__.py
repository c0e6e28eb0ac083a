"""Messages and input trees of the Remote Execution API. Imports `base`."""
