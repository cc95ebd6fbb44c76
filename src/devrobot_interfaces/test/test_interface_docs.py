"""Rules of the definitions and of the documents made from them."""

import ast
from pathlib import Path
import re

from devrobot_interfaces_py import docs, topics
from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.wiring import ACTIONS, SERVICES, TOPICS
import pytest

PACKAGE = Path(__file__).resolve().parents[1]
DEFINITIONS = {
    f'{kind}/{definition.name}.{kind}': definition
    for kind in docs.KINDS
    for definition in docs.read_definitions(PACKAGE, kind)
}


def write(tmp_path, text, name='A.msg'):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_fields_constants_and_defaults_are_read(tmp_path):
    text = (
        '# First.\n# Second.\n\nuint8 MODE_A=1 # one\nfloat32 level 0.5  # two\nA[] b    # three\n'
    )
    definition = docs.read_definition(write(tmp_path, text))
    assert definition.comment == 'First. Second.'
    assert [(line.name, line.value, line.is_constant) for line in definition.sections[0]] == [
        ('MODE_A', '1', True),
        ('level', '0.5', False),
        ('b', '', False),
    ]


def test_parts_of_a_service_are_kept_apart(tmp_path):
    definition = docs.read_definition(write(tmp_path, '# A.\n---\nbool b # yes\n', 'A.srv'))
    assert [len(section) for section in definition.sections] == [0, 1]


def test_field_without_comment_is_refused_with_file_and_line(tmp_path):
    with pytest.raises(ValueError, match=r'A.msg:3: b has no comment'):
        docs.read_definition(write(tmp_path, '# A.\n\nbool b\n'))
    with pytest.raises(ValueError, match=r'A.msg:1: .bool. is neither'):
        docs.read_definition(write(tmp_path, 'bool\n'))


def test_build_file_lists_every_definition_in_order():
    listed = re.findall(r'"((?:msg|srv|action)/\S+)"', (PACKAGE / 'CMakeLists.txt').read_text())
    assert listed == sorted(DEFINITIONS)


def test_every_definition_says_what_it_is_for():
    assert [name for name, definition in DEFINITIONS.items() if not definition.comment] == []


def test_no_field_is_a_fixed_size_array():
    lines = [line for d in DEFINITIONS.values() for section in d.sections for line in section]
    assert [line.name for line in lines if re.search(r'\[\d+\]', line.type)] == []


def test_phases_are_those_of_the_message():
    (lines,) = DEFINITIONS['msg/ActionEvent.msg'].sections
    constants = {line.name: int(line.value) for line in lines if line.is_constant}
    assert constants == {f'PHASE_{phase.name}': phase.value for phase in Phase}


def test_error_codes_of_actions_do_not_overlap():
    codes = [
        line.value
        for name, definition in DEFINITIONS.items()
        if name.startswith('action/')
        for line in definition.sections[1]
        if line.is_constant and line.name != 'NONE'
    ]
    assert len(codes) == len(set(codes))


def test_every_topic_constant_is_described():
    described = {item.name for item in (*TOPICS, *SERVICES, *ACTIONS)}
    nodes = {value for key, value in vars(topics).items() if key.endswith('_NODE')}
    constants = {value for key, value in vars(topics).items() if key.isupper()}
    assert constants - described - nodes == {topics.COMPRESSED_SUFFIX}


def test_types_of_topics_services_and_actions_exist():
    for wanted, items in (('msg', TOPICS), ('srv', SERVICES), ('action', ACTIONS)):
        for item in items:
            package, kind, name = item.type.split('/')
            assert kind == wanted
            assert package != 'devrobot_interfaces' or f'{kind}/{name}.{kind}' in DEFINITIONS


def test_every_service_and_action_that_is_defined_is_offered_by_a_node():
    offered = {item.type for item in (*SERVICES, *ACTIONS)}
    defined = [name for name in DEFINITIONS if not name.startswith('msg/')]
    assert {f'devrobot_interfaces/{name.rpartition(".")[0]}' for name in defined} <= offered


def test_profiles_of_topics_exist():
    body = ast.parse((PACKAGE / 'devrobot_interfaces_py' / 'qos.py').read_text()).body
    profiles = {ast.unparse(s.targets[0]) for s in body if isinstance(s, ast.Assign)}
    assert {topic.qos for topic in TOPICS} <= profiles


def test_document_shows_topics_fields_and_quality_of_service():
    text = docs.interfaces_markdown(PACKAGE)
    assert '| `image_raw` | `sensor_msgs/msg/Image` | IMAGES | driver |' in text
    assert '| `uint8` | `PHASE_RESET` = `4` |' in text
    assert '| `float32` | `brightness_threshold`, default `0.5` |' in text
    assert '| LATCHED | reliable, transient local, keep last 1 |' in text
    assert '| [`ActionDefinition[]`](#actiondefinition) | `actions` |' in text


def test_stale_files_are_found_and_written(tmp_path, capsys):
    package = tmp_path / 'src' / 'devrobot_interfaces'
    for path in (*PACKAGE.glob('*/*.*'), PACKAGE / 'README.md'):
        if path.suffix in ('.msg', '.srv', '.action', '.py', '.md'):
            target = package / path.relative_to(PACKAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text())
    assert docs.main(['--check', '--package', str(package)]) == 1
    assert 'docs/interfaces.md' in capsys.readouterr().out
    assert docs.main(['--package', str(package)]) == 0
    assert docs.main(['--check', '--package', str(package)]) == 0


def test_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match='needs the marks'):
        docs.readme_with_index('# Title', 'index')
