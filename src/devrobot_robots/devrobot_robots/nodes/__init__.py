"""ROS nodes: thin shells around the modules beside this folder."""
