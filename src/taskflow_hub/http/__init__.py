"""The HTTP face: parse, one engine call, present. Status codes live here and nowhere else."""
