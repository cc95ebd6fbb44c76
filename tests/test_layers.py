"""The import rule: one direction of flow, and ROS only at the edge."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / 'src'

# Which of our packages a package may import, besides itself.
ALLOWED = {
    'devrobot_interfaces_py': set(),
    'devrobot_robots': {'devrobot_interfaces_py'},
    'devrobot_world_model': {'devrobot_interfaces_py'},
    'devrobot_training': {'devrobot_interfaces_py', 'devrobot_world_model'},
    # The demo pairs frames by the world model's own rule.
    'devrobot_bringup': {'devrobot_interfaces_py', 'devrobot_world_model'},
}
ROS_MODULES = {
    'action_msgs',
    'ament_index_python',
    'builtin_interfaces',
    'devrobot_interfaces',
    'diagnostic_msgs',
    'geometry_msgs',
    'launch',
    'launch_ros',
    'lifecycle_msgs',
    'rcl_interfaces',
    'rclpy',
    'sensor_msgs',
    'std_msgs',
    'std_srvs',
    'visualization_msgs',
}
# The Python part of the interfaces holds the few bridges between ROS types and plain ones.
ROS_BRIDGES = {'conversions.py', 'node_process.py', 'params.py', 'qos.py'}
ROS_PACKAGES = {'devrobot_bringup'}


def imported_modules(source: str) -> set[str]:
    """Return the top-level names that a module imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or '').partition('.')[0])
    return found


def may_import_ros(package: str, path: Path) -> bool:
    """Tell whether a module of ``package`` is at the edge, where ROS may be imported."""
    if package in ROS_PACKAGES:
        return True
    if package == 'devrobot_interfaces_py':
        return path.name in ROS_BRIDGES
    return 'nodes' in path.parts


def violations(package: str, path: Path, source: str) -> list[str]:
    """Return what the module at ``path`` (relative to its package) imports but must not."""
    modules = imported_modules(source)
    wrong = (modules & set(ALLOWED)) - ALLOWED[package] - {package}
    if not may_import_ros(package, path):
        wrong |= modules & ROS_MODULES
    return sorted(wrong)


def module_files(package: str) -> Iterator[Path]:
    """Yield the Python files of a package, without its tests."""
    for folder in SRC.glob(f'*/{package}'):
        yield from sorted(folder.rglob('*.py'))


@pytest.mark.parametrize('package', sorted(ALLOWED))
def test_packages_import_only_along_the_arrow(package):
    wrong = {}
    for path in module_files(package):
        found = violations(package, path.relative_to(SRC), path.read_text(encoding='utf-8'))
        if found:
            wrong[str(path.relative_to(ROOT))] = found
    assert not wrong


def test_the_packages_are_where_this_test_looks():
    empty = [p for p in ALLOWED if p != 'devrobot_training' and not list(module_files(p))]
    assert not empty


@pytest.mark.parametrize(
    ('package', 'path', 'source', 'expected'),
    [
        (
            'devrobot_robots',
            'robot.py',
            'import devrobot_world_model.config',
            'devrobot_world_model',
        ),
        ('devrobot_world_model', 'a.py', 'from devrobot_robots import robot', 'devrobot_robots'),
        (
            'devrobot_interfaces_py',
            'a.py',
            'def f():\n    import devrobot_robots',
            'devrobot_robots',
        ),
        ('devrobot_bringup', 'a.py', 'import devrobot_robots', 'devrobot_robots'),
        ('devrobot_world_model', 'online.py', 'from rclpy.node import Node', 'rclpy'),
        ('devrobot_interfaces_py', 'images.py', 'import sensor_msgs.msg', 'sensor_msgs'),
    ],
)
def test_a_wrong_import_is_found(package, path, source, expected):
    assert violations(package, Path(path), source) == [expected]


@pytest.mark.parametrize(
    ('package', 'path', 'source'),
    [
        ('devrobot_robots', 'nodes/driver_node.py', 'import rclpy'),
        ('devrobot_interfaces_py', 'qos.py', 'from rclpy.qos import QoSProfile'),
        ('devrobot_robots', 'robot.py', 'from devrobot_interfaces_py import actions'),
        ('devrobot_robots', 'robot.py', 'from . import nodes'),
    ],
)
def test_an_allowed_import_is_not(package, path, source):
    assert violations(package, Path(path), source) == []
