"""The project's bench: `python -m tests.bench` measures atiny and its peers in one run and prints the table."""
