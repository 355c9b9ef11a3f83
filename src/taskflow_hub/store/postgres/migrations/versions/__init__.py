"""One SQL file per version, and the revision that executes it."""
