"""What `taskflow doctor` thinks of what it has seen: pure functions from facts to findings.

The facts are gathered at the edge (store/*/examine.py, broker/redis_streams/examine.py, cli/examining.py), each by a look that
may fail or take too long without keeping the others from theirs.
"""
