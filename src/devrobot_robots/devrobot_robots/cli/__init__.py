"""Commands that need no ROS graph."""
