from dataclasses import replace
import io
import os
import socket
import subprocess
import sys

from demo_world import run, SPACE
from devrobot_bringup.demo.config import build_parser, config_from_args
from devrobot_bringup.demo.monitor import DemoMonitor
from devrobot_bringup.demo.picture import example_canvas, write_picture
from devrobot_bringup.demo.processes import free_port, Launch, LaunchError
from devrobot_bringup.demo.screen import LiveLine, status_text
from devrobot_bringup.demo.summary import Figures
from devrobot_interfaces_py.images import decode_compressed
import pytest


def test_the_picture_is_a_png_that_shows_something(tmp_path):
    monitor = DemoMonitor(SPACE)
    run(monitor, [1, 0, 1, 1, 0])
    path = tmp_path / 'picture.png'
    write_picture(path, monitor.example, monitor.outcomes, SPACE, 'title')
    image = decode_compressed(path.read_bytes(), 'png')
    assert image.shape[1] > 1000 and image.std() > 10
    assert [entry.name for entry in tmp_path.iterdir()] == ['picture.png']


def test_the_canvas_of_an_example_has_its_bars_and_an_empty_slot():
    monitor = DemoMonitor(SPACE)
    run(monitor, [1, 0])
    canvas = example_canvas(monitor.example, SPACE)
    assert canvas.shape == (32, 3 * 48 + 2 * 6, 3)
    assert canvas[0, 48].tolist() == [0, 255, 0] and canvas[0, 102].tolist() == [255, 0, 0]
    assert not canvas[:, -48:].any()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--minutes', '0'], 'must be above 0'),
        (['--seed', '-1'], 'between 0 and'),
        (['--foxglove-port', '70000'], 'between 1 and 65535'),
        (['--foxglove-port', '-1'], 'between 1 and 65535'),
    ],
)
def test_options_out_of_range_are_refused_with_the_value(arguments, message):
    with pytest.raises(ValueError, match=f'{arguments[1]}.*{message}'):
        config_from_args(build_parser().parse_args(arguments))


def test_json_is_another_name_of_summary():
    config = config_from_args(build_parser().parse_args(['--json', 'x.json']))
    assert str(config.summary) == 'x.json'


@pytest.mark.parametrize('option', ['--output', '--summary'])
def test_a_place_that_cannot_be_written_is_told_before_the_run(tmp_path, option):
    (tmp_path / 'file').write_text('in the way')
    place = {'--output': tmp_path / 'out', '--summary': tmp_path / 'out.json'}
    place[option] = tmp_path / 'file' / 'out'
    arguments = [part for name, path in place.items() for part in (name, str(path))]
    done = subprocess.run(
        [sys.executable, '-m', 'devrobot_bringup.demo.cli', '--no-foxglove', *arguments],
        capture_output=True, text=True, timeout=60, env=os.environ | {'PATH': '/nowhere'},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith('demo: ') and str(tmp_path / 'file') in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_last_port_is_not_followed_by_an_impossible_one():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 65535))
        taken.listen()
        with pytest.raises(LaunchError, match='ports 65535 to 65535 are taken'):
            free_port(65535)


def test_a_taken_port_gives_the_next_free_one():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + 20
        with pytest.raises(LaunchError, match='use --foxglove-port'):
            free_port(port, tries=1)


def test_nodes_that_end_are_reported_with_what_they_said(tmp_path, monkeypatch):
    command = tmp_path / 'ros2'
    command.write_text('#!/bin/sh\necho "cannot open the camera"\nexit 3\n')
    command.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:/bin:/usr/bin')
    launch = Launch(['nothing'], tmp_path / 'nodes.log')
    launch.start()
    launch._process.wait(10)
    with pytest.raises(LaunchError, match='code 3.*\n.*cannot open the camera'):
        launch.check()
    assert launch.stop() >= 0.0


def test_a_pipe_gets_whole_lines_and_no_control_characters():
    stream = io.StringIO()
    line = LiveLine(stream)
    line.show('one')
    line.show('two')
    line.end()
    assert stream.getvalue() == 'one\n'


def test_the_live_line_says_what_it_shows_also_before_the_first_prediction():
    assert 'error   -    (copy-last   -   )' in status_text(0, 0.0, 0.0, 180.0, Figures())
    text = status_text(
        812,
        11.9,
        45.0,
        82.0,
        Figures(mse=0.002, mse_copy_last=0.015, median_dot_error=0.8, within_2px=0.96),
    )
    for part in (
        'step   812',
        '11.9 actions/s',
        'error 0.0020',
        '0.0150',
        '0.8 px',
        '96 % within 2 px',
        '45.0 samples/s',
        '1:22 left',
    ):
        assert part in text


def test_the_live_line_of_a_robot_that_is_no_dot_is_compared_with_copying():
    for mse, text in ((0.006, ' 40 % below copy-last'), (0.03, '200 % above copy-last')):
        values = Figures(mse=mse, mse_copy_last=0.01)
        assert text in status_text(9, 3.0, 70.0, 60.0, values, has_dot=False)


def test_the_picture_of_a_robot_that_is_no_dot_shows_its_gain(tmp_path):
    plain = replace(SPACE, actions=tuple(replace(a, parameters=()) for a in SPACE.actions))
    monitor = DemoMonitor(plain)
    run(monitor, [1, 0, 1, 1, 0])
    write_picture(tmp_path / 'p.png', monitor.example, monitor.outcomes, plain, 'title')
    assert decode_compressed((tmp_path / 'p.png').read_bytes(), 'png').std() > 10
