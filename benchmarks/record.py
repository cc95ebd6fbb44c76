"""
What a recording costs, and whether it is complete.

Two 224x224 cameras at 30 Hz and the events of an action per second are published by a process of
their own, and recorded by ``ros2 bag record`` in another. Every message that was published must
be in the bag; the recorder's CPU time is that of its process, as the system counts it.
"""

import argparse
import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from devrobot_interfaces_py import conversions, qos
from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.atomic import write_json
import numpy as np
from rosbags.rosbag2 import Reader

CAMERAS = ('/bench/left/image_raw', '/bench/right/image_raw')
EVENTS = '/bench/action_events'
RATE_HZ = 30
TICK_S = 1 / os.sysconf('SC_CLK_TCK')
SUBSCRIBED_S = 60


def publish(seconds: float) -> dict[str, int]:
    """Publish for some time to whoever records; return how much."""
    from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
    import rclpy
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node('bench')
    cameras = [node.create_publisher(Image, topic, qos.IMAGES) for topic in CAMERAS]
    events = node.create_publisher(ActionEventMsg, EVENTS, qos.EVENTS)
    end = time.monotonic() + SUBSCRIBED_S
    while not all(p.get_subscription_count() for p in (*cameras, events)):
        if time.monotonic() > end:
            raise SystemExit('nobody records')
        time.sleep(0.05)
    images = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3), np.uint8)
    counts = dict.fromkeys((*CAMERAS, EVENTS), 0)
    begin = time.monotonic()
    for number in range(round(seconds * RATE_HZ)):
        time.sleep(max(0.0, begin + number / RATE_HZ - time.monotonic()))
        stamp = time.time_ns()
        for topic, camera in zip(CAMERAS, cameras, strict=True):
            camera.publish(conversions.image_to_msg(images[number % 8], stamp))
            counts[topic] += 1
        if number % 10 == 0:
            phase = list(Phase)[number // 10 % 3]
            event = ActionEvent(stamp_ns=stamp, sequence=number // RATE_HZ, phase=phase)
            events.publish(conversions.action_event_to_msg(event))
            counts[EVENTS] += 1
    for publisher in (*cameras, events):
        publisher.wait_for_all_acked()
    node.destroy_node()
    rclpy.shutdown()
    return counts


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def measure(seconds: float, folder: Path, options: list[str]) -> dict[str, float]:
    """Record what another process publishes; return what was lost and what it took."""
    bag = folder / 'bag'
    recorder = subprocess.Popen(
        ['ros2', 'bag', 'record', '-o', str(bag), *options, *CAMERAS, EVENTS],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    source = subprocess.Popen(
        [sys.executable, __file__, '--publish', str(seconds)], stdout=subprocess.PIPE, text=True
    )
    samples: list[tuple[float, float]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1.0):
            samples.append((time.monotonic(), cpu_seconds(recorder.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        published = json.loads(source.communicate()[0])
        time.sleep(0.5)
    finally:
        done.set()
        watcher.join()
        recorder.send_signal(signal.SIGINT)
        recorder.wait(60)
    with Reader(bag) as reader:
        recorded = {c.topic: c.msgcount for c in reader.connections}
    (begin, used), (end, total) = samples[min(3, len(samples) - 2)], samples[-1]
    return {
        'lost': sum(published.values()) - sum(recorded.values()),
        'recorded': sum(recorded.values()),
        'cpu_fraction': (total - used) / (end - begin),
        'seconds': seconds,
    }


def main() -> None:
    """Print what was lost, and the share of a core that it took."""
    parser = argparse.ArgumentParser(
        description=__doc__.strip().splitlines()[0],
        epilog='example: python benchmarks/record.py --seconds 60',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('--seconds', type=float, default=600.0, help='how long')
    parser.add_argument('--option', action='append', default=[], help='for ros2 bag record')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures to FILE')
    parser.add_argument('--publish', type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.publish is not None:
        print(json.dumps(publish(arguments.publish)))
        return
    folder = Path(tempfile.mkdtemp(prefix='record_'))
    try:
        result = measure(arguments.seconds, folder, arguments.option)
    finally:
        shutil.rmtree(folder)
    for name, value in result.items():
        print(f'{name:14} {value:.3f}')
    if arguments.json is not None:
        write_json(arguments.json, result)


if __name__ == '__main__':
    main()
