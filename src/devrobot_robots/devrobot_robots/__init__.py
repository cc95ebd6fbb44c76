"""Robots that act and see, the driver that runs any of them, and the selectors that choose."""
