"""The programs of this package."""

from devrobot_interfaces_py.startup import command, program

demo = program('devrobot_bringup.demo.cli')
foxglove_server = program('devrobot_bringup.foxglove.node')
make_layout = command('devrobot_bringup.layout.cli')
