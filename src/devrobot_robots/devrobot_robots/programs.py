"""The programs of this package that launch files start."""

from devrobot_interfaces_py.startup import program

driver = program('devrobot_robots.nodes.driver_node')
jetbot_sim = program('devrobot_robots.cli.jetbot_sim')
live_view = program('devrobot_robots.nodes.live_view_node')
recorder = program('devrobot_robots.nodes.recorder_node')
replay = program('devrobot_robots.nodes.replay_node')
selector = program('devrobot_robots.nodes.selector_node')
