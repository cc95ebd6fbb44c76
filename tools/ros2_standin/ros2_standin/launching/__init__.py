"""The launch front end: files to processes, and the processes at run time."""
