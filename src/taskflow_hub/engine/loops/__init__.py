"""One duty per file: the loops that keep tasks moving."""
