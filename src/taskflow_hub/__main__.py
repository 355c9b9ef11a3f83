"""`python -m taskflow_hub` is `taskflow`."""

from taskflow_hub.cli.main import main

main()
