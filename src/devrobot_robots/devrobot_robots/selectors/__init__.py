"""Selectors choose the next action; they know nothing of ROS or of time."""
