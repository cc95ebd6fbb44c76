"""JetBot: two driven wheels and a camera, reached over RPyC."""
