"""The launch file of the JetBot with a simulated one: it is driven, seen and recorded."""

import socket

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagFrame, open_bag
from devrobot_robots.jetbot.server import make_keys
import numpy as np
from test_launch_recording import wait_for_file


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def test_a_simulated_jetbot_is_driven_with_tls_and_its_session_recorded(launch, tmp_path):
    keys = tmp_path / 'my keys'
    assert make_keys.main([str(keys)]) == 0
    run = launch(
        *('sim:=true', f'port:={free_port()}', 'foxglove:=false', 'selector:=alternate'),
        f'tls:={keys / "owner"}',
        *('record:=true', f'sessions_dir:={tmp_path}', 'session_id:=7'),
        file='jetbot.launch.py',
    )
    run.wait_for_line('model for jetbot is ready')
    wait_for_file(run, '*.mcap', tmp_path / 'jetbot' / '7', size=600_000)
    run.stop()
    log = run.log.read_text()
    assert 'TLS with client certificates' in log
    assert 'Traceback' not in log
    with open_bag(tmp_path / 'jetbot' / '7') as bag:
        assert [action.label for action in bag.action_space.actions] == ['stay', 'turn']
        assert dict(bag.session_info.parameters)['host'] == '127.0.0.1'
        items = list(bag.items())
    frames = [item for item in items if isinstance(item, BagFrame)]
    finished = [i for i in items if isinstance(i, ActionEvent) and i.phase is Phase.FINISHED]
    assert len(frames) >= len(finished) > 3
    first, last = (np.asarray(frames[index].image()).astype(int) for index in (0, -1))
    assert first.shape == (224, 224, 3)
    assert np.abs(last - first).mean() > 5
