"""The launch file of the JetBot with a simulated one: it is driven, seen and recorded."""

import contextlib
import os
from pathlib import Path
import re
import shutil
import signal
import socket
import time

from ament_index_python.packages import get_package_share_directory
from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces_py import qos, topics
from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagFrame, open_bag
from devrobot_robots.jetbot.server import make_keys
from launched_robot import DEADLINE_S
import numpy as np
import pytest
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


def long_actions(folder: Path) -> Path:
    """Return a folder of configuration in which the robot turns for 8 s at a time."""
    shutil.copytree(
        Path(get_package_share_directory('devrobot_bringup')) / 'config/jetbot/tiny', folder
    )
    driver = folder / 'driver.yaml'
    text = driver.read_text()
    assert "'turn 0 0.12'" in text
    driver.write_text(text.replace("'turn 0 0.12'", "'turn 0 0.12 8.0'"))
    return folder


def session_of(leader: int) -> list[int]:
    """Return the processes of a session, as a terminal's are."""
    found = []
    for entry in Path('/proc').iterdir():
        with contextlib.suppress(ValueError, ProcessLookupError):
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize('who', ['the launch', 'everybody'])
def test_ctrl_c_in_the_middle_of_a_motion_aborts_it_without_an_error(graph, launch, tmp_path, who):
    probe = graph.node('probe', '/jetbot')
    events: list[ActionEventMsg] = []
    probe.create_subscription(ActionEventMsg, topics.ACTION_EVENTS, events.append, qos.EVENTS)
    run = launch(
        *('sim:=true', f'port:={free_port()}', 'foxglove:=false', 'selector:=always_move'),
        f'config:={long_actions(tmp_path / "config")}',
        file='jetbot.launch.py',
    )
    run.wait_for_line('model for jetbot is ready')
    wait_for(lambda: events and events[-1].phase == ActionEventMsg.PHASE_STARTED, run)
    if who == 'the launch':
        os.killpg(run.process.pid, signal.SIGINT)
    else:  # a terminal gives it to the nodes as well, where they share its process group
        for process in session_of(run.process.pid):
            os.kill(process, signal.SIGINT)
    assert run.process.wait(DEADLINE_S) == 0, run.log.read_text()
    wait_for(lambda: events[-1].phase == ActionEventMsg.PHASE_ABORTED, run)
    assert events[-1].message == 'the driver is stopping'
    log = run.log.read_text()
    assert 'left: the motors are stopped' in log
    assert 'Traceback' not in log and 'ERROR' not in log, log


def test_ctrl_c_while_the_nodes_load_is_no_error(launch):
    run = launch('sim:=true', f'port:={free_port()}', 'foxglove:=false', file='jetbot.launch.py')

    def loads_torch(process: int) -> bool:
        with contextlib.suppress(OSError):
            return 'libtorch_cpu' in Path(f'/proc/{process}/maps').read_text()
        return False

    def all_run_our_code() -> bool:
        """Python itself and the generated scripts, which come before it, take no SIGTERM."""
        return all(map(takes_sigterm, session_of(run.process.pid)))

    wait_for(lambda: any(map(loads_torch, session_of(run.process.pid))), run)
    wait_for(all_run_our_code, run)
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.process.wait(DEADLINE_S) == 0, run.log.read_text()
    log = run.log.read_text()
    assert 'model for jetbot is ready' not in log
    assert 'Traceback' not in log and 'ERROR' not in log, log


def takes_sigterm(process: int) -> bool:
    with contextlib.suppress(OSError):
        status = Path(f'/proc/{process}/status').read_text()
        (caught,) = re.findall(r'^SigCgt:\s*(\w+)$', status, re.MULTILINE)
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
    return True  # it has gone


def wait_for(condition, run) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, run.log.read_text()
        time.sleep(0.02)
