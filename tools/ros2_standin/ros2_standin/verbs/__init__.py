"""One module per command of ``ros2``."""
