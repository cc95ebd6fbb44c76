"""The launch file of replays."""

from xml.etree import ElementTree

from launch_files import arguments, read

ROOT = read('replay')


def test_only_the_bag_has_no_default():
    args = arguments(ROOT)
    assert [name for name, arg in args.items() if arg.get('default') is None] == ['bag']


def test_both_replay_nodes_differ_only_in_what_their_end_means():
    def facts(node: ElementTree.Element) -> tuple:
        attributes = {k: v for k, v in node.items() if k not in ('if', 'unless', 'on_exit')}
        return attributes, [dict(param.items()) for param in node.iter('param')]

    one, other = (node for node in ROOT.iter('node') if node.get('exec') == 'replay')
    assert facts(one) == facts(other)
    assert (one.get('if'), one.get('on_exit')) == ('$(var exit_at_end)', 'shutdown')
    assert (other.get('unless'), other.get('on_exit')) == ('$(var exit_at_end)', None)
