"""How fast it is, measured by anyone with one command: `make bench`."""
