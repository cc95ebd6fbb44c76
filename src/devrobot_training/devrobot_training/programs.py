"""The programs of this package."""

from devrobot_interfaces_py.startup import command, program

analyze_logs = command('devrobot_training.cli.analyze_logs')
evaluate = command('devrobot_training.cli.evaluate')
filter_overlap = command('devrobot_training.cli.filter_overlap')
import_sessions = command('devrobot_training.cli.import_sessions')
make_splits = command('devrobot_training.cli.make_splits')
overfit = command('devrobot_training.cli.overfit')
report = command('devrobot_training.cli.report')
session_info = command('devrobot_training.cli.session_info')
split_session = command('devrobot_training.cli.split_session')
staged = command('devrobot_training.cli.staged')
train = command('devrobot_training.cli.train')
training_server = program('devrobot_training.nodes.training_server')
