"""Where the model looks when it predicts; no ROS."""
