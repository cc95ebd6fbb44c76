"""The ROS 2 shell of the world model; the only folder here that imports rclpy."""
