"""The set-up's repairs of an environment: half-installed packages and foreign paths."""

import importlib.util
from pathlib import Path
import sysconfig

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / 'tools' / 'setup' / 'mend_wheels.py'


@pytest.fixture(scope='module')
def mend():
    spec = importlib.util.spec_from_file_location('mend_wheels', PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(tmp_path):
    """Return the dist-info folder of a package that is wholly installed."""
    dist_info = tmp_path / 'robot-1.0.dist-info'
    dist_info.mkdir()
    (tmp_path / 'robot.py').write_text('')
    (dist_info / 'INSTALLER').write_text('pip\n')
    (dist_info / 'RECORD').write_text(
        'robot.py,sha256=x,0\n__pycache__/robot.pyc,,\nrobot-1.0.dist-info/INSTALLER,,\n'
    )
    return dist_info


def test_whole_package_stays(mend, package):
    assert mend.drop_broken(package.parent) == []
    assert package.exists()


@pytest.mark.parametrize('lost', ['INSTALLER', 'RECORD', '../robot.py'])
def test_half_installed_package_is_forgotten(mend, package, lost):
    (package / lost).unlink()
    assert mend.drop_broken(package.parent) == ['robot-1.0']
    assert not package.exists()


def test_build_machine_paths_are_replaced_once(mend, tmp_path):
    export = tmp_path / 'share' / 'rclpy' / 'cmake' / 'export.cmake'
    export.parent.mkdir(parents=True)
    export.write_text(f'set(include "{mend.BUILD_INCLUDE};{mend.BUILD_NUMPY};/usr/include")')
    site_packages = tmp_path / 'lib' / 'site-packages'
    assert mend.fix_cmake_paths(tmp_path, site_packages) == 1
    python_include = sysconfig.get_paths()['include']
    numpy_include = site_packages / 'numpy' / '_core' / 'include'
    assert export.read_text() == f'set(include "{python_include};{numpy_include};/usr/include")'
    assert mend.fix_cmake_paths(tmp_path, site_packages) == 0
    assert [p.name for p in export.parent.iterdir()] == ['export.cmake']
