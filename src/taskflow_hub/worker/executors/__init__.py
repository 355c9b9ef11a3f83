"""How handlers run: on the event loop, in a thread, or in a supervised child process."""
