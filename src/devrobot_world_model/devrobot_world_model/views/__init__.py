"""Pictures for people: pure numpy, no ROS."""
