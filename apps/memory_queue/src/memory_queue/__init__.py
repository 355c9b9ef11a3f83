"""A bounded queue in memory behind HTTP, on the standard library alone."""
