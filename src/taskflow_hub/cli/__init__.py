"""The command line: `taskflow <noun> <verb>`. Data to stdout, words to stderr.

Each group has a file; heavy imports stand inside the commands that need them, so that `--help` answers at once.
"""
