"""The program of this package that launch files start."""

from devrobot_interfaces_py.startup import program

training_server = program('devrobot_training.nodes.training_server')
