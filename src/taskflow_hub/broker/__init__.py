"""The transport between engine and workers. It may lose everything; no task is lost with it."""
