"""Every package manifest is complete, and all packages have one version."""

from pathlib import Path
import re
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
MANIFESTS = sorted((ROOT / 'src').glob('*/package.xml'))
VERSION = '0.1.0'
DEPENDENCY_TAGS = (
    'buildtool_depend',
    'build_depend',
    'build_export_depend',
    'depend',
    'exec_depend',
    'test_depend',
)


@pytest.fixture(params=MANIFESTS, ids=lambda path: path.parent.name)
def manifest(request):
    return request.param


def parse(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def test_there_are_manifests():
    assert len(MANIFESTS) >= 4


def test_name_is_that_of_the_folder(manifest):
    assert parse(manifest).findtext('name') == manifest.parent.name


def test_format_version_licence_and_maintainer(manifest):
    root = parse(manifest)
    maintainer = root.find('maintainer')
    assert root.get('format') == '3'
    assert root.findtext('version') == VERSION
    assert root.findtext('license') == 'Apache-2.0'
    assert maintainer is not None
    assert (maintainer.text, maintainer.get('email')) == (
        'devrobot maintainers',
        'maintainers@devrobot.dev',
    )


def test_description_is_one_sentence_without_placeholder(manifest):
    description = parse(manifest).findtext('description') or ''
    assert len(description) > 20
    assert description.endswith('.')
    assert 'TODO' not in manifest.read_text(encoding='utf-8')


def test_dependencies_are_sorted_and_named_once(manifest):
    root = parse(manifest)
    for tag in DEPENDENCY_TAGS:
        names = [element.text or '' for element in root.findall(tag)]
        assert names == sorted(set(names)), tag


def test_nothing_depends_against_the_arrow(manifest):
    allowed = {
        'devrobot_interfaces': set(),
        'devrobot_robots': {'devrobot_interfaces'},
        'devrobot_world_model': {'devrobot_interfaces'},
        'devrobot_training': {'devrobot_interfaces', 'devrobot_world_model'},
        # It wires the others by name, so it needs them at run time.
        'devrobot_bringup': {
            'devrobot_interfaces',
            'devrobot_robots',
            'devrobot_training',
            'devrobot_world_model',
        },
    }
    root = parse(manifest)
    needed = {e.text for tag in DEPENDENCY_TAGS for e in root.findall(tag)}
    ours = {name for name in needed if name and name.startswith('devrobot_')}
    assert ours <= allowed[manifest.parent.name]


def test_setup_reads_the_manifest_instead_of_repeating_it(manifest):
    setup = manifest.parent / 'setup.py'
    if not setup.exists():
        assert (manifest.parent / 'CMakeLists.txt').exists()
        return
    text = setup.read_text(encoding='utf-8')
    assert 'package.xml' in text
    repeated = re.findall(r"(version|description|license|maintainer)\s*=\s*['\"]", text)
    assert not repeated


def test_the_licence_file_is_the_full_text():
    text = (ROOT / 'LICENSE').read_text(encoding='utf-8')
    assert 'Apache License' in text
    assert 'END OF TERMS AND CONDITIONS' in text
