"""The program of this package."""

from devrobot_interfaces_py.startup import program

world_model = program('devrobot_world_model.nodes.world_model_node')
