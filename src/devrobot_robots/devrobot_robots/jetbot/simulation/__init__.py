"""A JetBot that is not there: simulated wheels and a drawn camera behind the real server."""
