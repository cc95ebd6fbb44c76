"""A world model that learns to predict the next camera frame of a robot."""
