"""How good a model is on a recorded session, and what it believes."""
