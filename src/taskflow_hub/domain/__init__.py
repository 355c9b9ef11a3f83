"""What a task is and what may happen to it. Pure: no I/O, and nothing of ours is imported from outside this room."""
