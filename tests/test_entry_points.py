"""Every program of every package takes signals before it loads what takes seconds."""

import importlib.util
from pathlib import Path
import re

import pytest

SRC = Path(__file__).resolve().parents[1] / 'src'
PACKAGES = sorted(path.parent.name for path in SRC.glob('*/setup.py'))


@pytest.fixture(params=PACKAGES)
def package(request):
    return request.param


def entry_points(package: str) -> list[tuple[str, str]]:
    text = (SRC / package / 'setup.py').read_text(encoding='utf-8')
    (scripts,) = re.findall(r"'console_scripts': \[(.+?)\]", text, re.DOTALL)
    return re.findall(r"f'(\w+) = (.+)',", scripts)


def test_there_are_packages_with_programs():
    assert len(PACKAGES) >= 4
    assert all(map(entry_points, PACKAGES))


def test_it_starts_all_of_them_by_way_of_programs(package):
    for name, target in entry_points(package):
        assert target == f'{{NAME}}.programs:{name}'


def test_each_of_them_is_there(package):
    programs = importlib.import_module(f'{package}.programs')
    for name, _ in entry_points(package):
        source = (SRC / package / package / 'programs.py').read_text(encoding='utf-8')
        (module,) = re.findall(rf"^{name} = \w+\('(.+)'\)$", source, re.MULTILINE)
        assert callable(getattr(programs, name))
        assert importlib.util.find_spec(module) is not None
