"""The ROS 2 shell of offline training; the only folder here that imports rclpy."""
