"""What a run of the demo says about itself."""

from types import SimpleNamespace

from devrobot_bringup.demo.config import DemoConfig
from devrobot_bringup.demo.run import DemoRun


def test_the_time_of_acting_ends_before_the_nodes_are_stopped(tmp_path):
    node = SimpleNamespace(elapsed=3.0, monitor=None, samples_seen=0)
    run = DemoRun(DemoConfig(foxglove=False), tmp_path, begin=0.0)
    run.watch(node, executor=None, should_stop=lambda: True)
    node.elapsed = 15.0
    assert run.summary(node, 0.0, interrupted=False)['acting_seconds'] == 3.0
