"""The programs of this package."""

from devrobot_interfaces_py.startup import command, program

driver = program('devrobot_robots.nodes.driver_node')
jetbot_keys = command('devrobot_robots.jetbot.server.make_keys')
jetbot_sim = program('devrobot_robots.cli.jetbot_sim')
live_view = program('devrobot_robots.nodes.live_view_node')
record_toroidal = command('devrobot_robots.cli.record_toroidal')
recorder = program('devrobot_robots.nodes.recorder_node')
replay = program('devrobot_robots.nodes.replay_node')
selector = program('devrobot_robots.nodes.selector_node')
