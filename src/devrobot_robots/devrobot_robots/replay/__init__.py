"""Replay: a recorded session stands in for a robot."""
