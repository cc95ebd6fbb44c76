"""The launch file of replays, and that both kinds of machine can read it."""

from pathlib import Path
import re
from xml.etree import ElementTree

PACKAGE = Path(__file__).parents[1]
LAUNCH = PACKAGE / 'launch' / 'replay.launch.xml'
ROOT = ElementTree.parse(LAUNCH).getroot()
ARGUMENTS = {arg.get('name'): arg for arg in ROOT.iter('arg')}


def test_only_the_bag_has_no_default_and_each_argument_is_described():
    assert [name for name, arg in ARGUMENTS.items() if arg.get('default') is None] == ['bag']
    assert [name for name, arg in ARGUMENTS.items() if not arg.get('description')] == []


def test_only_plain_substitutions_of_declared_arguments_are_used():
    text = LAUNCH.read_text()
    assert set(re.findall(r'\$\(([\w-]+)', text)) <= {'var', 'find-pkg-share', 'equals'}
    assert set(re.findall(r'\$\(var (\w+)\)', text)) == set(ARGUMENTS)


def test_both_replay_nodes_differ_only_in_what_their_end_means():
    def facts(node: ElementTree.Element) -> tuple:
        attributes = {k: v for k, v in node.items() if k not in ('if', 'unless', 'on_exit')}
        return attributes, [dict(param.items()) for param in node.iter('param')]

    one, other = (node for node in ROOT.iter('node') if node.get('exec') == 'replay')
    assert facts(one) == facts(other)
    assert (one.get('if'), one.get('on_exit')) == ('$(var exit_at_end)', 'shutdown')
    assert (other.get('unless'), other.get('on_exit')) == ('$(var exit_at_end)', None)


def test_python_launch_file_includes_the_xml_and_nothing_else():
    text = (PACKAGE / 'launch' / 'replay.launch.py').read_text()
    assert text.count('replay.launch.xml') == 2
    assert 'Node(' not in text
    compile(text, 'replay.launch.py', 'exec')
