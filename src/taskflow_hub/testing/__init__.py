"""For tests, ours and yours: contract suites, faults, and the wire format's schemas. Nothing we ship imports this room."""
