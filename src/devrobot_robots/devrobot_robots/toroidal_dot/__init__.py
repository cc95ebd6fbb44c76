"""A white dot on a black torus: the smallest world in which an action has a visible effect."""
