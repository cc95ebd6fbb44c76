"""Substitutions are parsed like the real grammar does and evaluated in their scope."""

import pytest
from ros2_standin.errors import StandinError
from ros2_standin.launching.substitutions import describe, parse, perform, Scope

SCOPE = Scope(
    configurations={'robot': 'dot', 'which': 'robot', 'yes': 'True', 'empty': ''},
    environment={'HOME': '/home/me'},
    directory='/where/it/is',
)


@pytest.mark.parametrize(
    'text, expected',
    [
        ('', ''),
        ('plain text', 'plain text'),
        ('$(var robot)', 'dot'),
        ('a/$(var robot)/b', 'a/dot/b'),
        ('$(var $(var which))', 'dot'),
        ('$(env HOME)', '/home/me'),
        ('$(env GONE other)', 'other'),
        ("$(env GONE 'two words')", 'two words'),
        ("$(env GONE '')", ''),
        ('$(env GONE "it is $(var robot)")', 'it is dot'),
        ('$(dirname)/x', '/where/it/is/x'),
        (r'\$5 and \$(var robot)', '$5 and $(var robot)'),
        ('$(equals a a)', 'true'),
        ('$(equals a b)', 'false'),
        ('$(equals 1.0 1)', 'true'),
        ('$(equals True 1)', 'true'),
        ('$(equals $(var robot) dot)', 'true'),
        ('$(not $(var yes))', 'false'),
        ('$(and true 1)', 'true'),
        ('$(and true 0)', 'false'),
        ('$(or false TRUE)', 'true'),
        ('$(not $(equals $(var robot) $(var which)))', 'true'),
    ],
)
def test_substitutions_are_carried_out(text, expected):
    assert perform(parse(text), SCOPE) == expected


def test_an_unknown_configuration_is_named_with_the_nearest():
    with pytest.raises(StandinError, match="'robott' does not exist; did you mean 'robot'?"):
        perform(parse('$(var robott)'), SCOPE)


def test_an_unset_environment_variable_without_default_is_an_error():
    with pytest.raises(StandinError, match="environment variable 'GONE' does not exist"):
        perform(parse('$(env GONE)'), SCOPE)


def test_boolean_substitutions_want_booleans():
    with pytest.raises(StandinError, match="'dot' is not a boolean"):
        perform(parse('$(not $(var robot))'), SCOPE)


def test_packages_are_found(workspace):
    share = f'{workspace.prefix}/share/tiny'
    assert perform(parse('$(find-pkg-share tiny)/x'), SCOPE) == f'{share}/x'
    assert perform(parse('$(find-pkg-prefix tiny)'), SCOPE) == str(workspace.prefix)
    with pytest.raises(StandinError, match="Package 'tinny' not found; did you mean 'tiny'?"):
        perform(parse('$(find-pkg-share tinny)'), SCOPE)


def test_defaults_are_described_like_the_real_tool_does():
    assert describe(parse('')) == "''"
    assert describe(parse('a $(var b)')) == "'a ' + LaunchConfig('b')"
    assert describe(parse('$(find-pkg-share p)/x')) == "FindPackageShare(pkg='p') + '/x'"
