"""Measures of what a prediction shows, beyond its loss."""
