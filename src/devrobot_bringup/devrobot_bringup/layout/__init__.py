"""Generator of the viewer layout; plain Python, made from the topic names alone."""
