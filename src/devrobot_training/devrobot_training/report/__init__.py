"""The report of a staged training: what to say, how to draw it, and the file."""
