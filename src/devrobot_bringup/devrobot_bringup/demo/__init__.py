"""The demo: the simulated robot acts, the world model learns, and somebody measures."""
