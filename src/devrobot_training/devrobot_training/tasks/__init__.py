"""What the training server does on request, without ROS."""
