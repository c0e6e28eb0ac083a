"""Messages and input trees of the Remote Execution API, as files on disk become them. Imports `base`."""
