"""Use cases and loops: validate, decide, one store call, emit."""
