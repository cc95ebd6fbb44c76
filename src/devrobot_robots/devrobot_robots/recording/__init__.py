"""Record sessions: `ros2 bag record` as a child, session folders, disk budget, free space."""
