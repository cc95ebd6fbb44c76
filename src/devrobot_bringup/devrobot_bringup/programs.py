"""The program of this package that launch files start."""

from devrobot_interfaces_py.startup import program

foxglove_server = program('devrobot_bringup.foxglove.node')
