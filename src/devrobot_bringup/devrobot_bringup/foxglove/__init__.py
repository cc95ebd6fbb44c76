"""The Foxglove server: a node that shows a ROS graph to Foxglove and Lichtblick viewers."""
