"""The part of the ``ros2`` command this project needs, for machines without a ROS installation."""
