"""Selectors choose what their names say, and refuse what the robot cannot do."""

from itertools import groupby

from devrobot_interfaces_py.configs import ConfigError
from devrobot_robots.selectors.base import SelectorError
from devrobot_robots.selectors.config import SelectorConfig
from devrobot_robots.selectors.registry import make_selector, SELECTOR_NAMES
from devrobot_robots.selectors.sequence import SequenceSelector
import pytest
from robots_fakes import ACTIONS


def choose(count: int, **settings) -> list[int | None]:
    selector = make_selector(SelectorConfig(**settings), ACTIONS)
    return [selector.next_action() for _ in range(count)]


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        ({'selector': 'constant', 'action': 1}, [1, 1, 1, 1, 1]),
        ({'selector': 'sequence', 'sequence': (0, 1, 1)}, [0, 1, 1, 0, 1]),
        ({'selector': 'always_move'}, [1, 1, 1, 1, 1]),
        ({'selector': 'always_stay'}, [0, 0, 0, 0, 0]),
        ({'selector': 'alternate'}, [0, 1, 0, 1, 0]),
        ({'selector': 'double_move'}, [1, 1, 0, 1, 1]),
        ({'selector': 'triple_move'}, [1, 1, 1, 0, 1]),
    ],
)
def test_each_name_chooses_its_actions(settings, expected):
    assert choose(5, **settings) == expected


@pytest.mark.parametrize('name', [name for name in SELECTOR_NAMES if name != 'recorded'])
def test_every_offered_name_makes_a_selector(name):
    assert choose(1, selector=name) != [None]


def test_random_durations_hold_an_action_for_min_to_max_steps():
    chosen = choose(4000, selector='random_duration', min_duration=5, max_duration=7, seed=1)
    runs = [len(list(run)) for _, run in groupby(chosen)][:-1]  # the last one is cut off
    # Two draws of the same action follow each other as one run, of at least twice the shortest.
    assert {length for length in runs if length < 10} == {5, 6, 7}
    assert 0.4 < sum(chosen) / len(chosen) < 0.6


def test_the_seed_decides_the_random_actions():
    chosen = {seed: choose(200, selector='random_duration', seed=seed) for seed in (1, 2)}
    assert chosen[1] == choose(200, selector='random_duration', seed=1)
    assert chosen[1] != chosen[2]


def test_an_empty_sequence_is_an_error():
    with pytest.raises(SelectorError, match='sequence is empty'):
        SequenceSelector([])
    with pytest.raises(ConfigError, match='sequence is empty'):
        SelectorConfig(selector='sequence', sequence=())


@pytest.mark.parametrize(
    'settings',
    [{'selector': 'constant', 'action': 2}, {'selector': 'sequence', 'sequence': (0, 2)}],
)
def test_actions_that_the_robot_does_not_have_are_refused(settings):
    name = settings['selector']
    with pytest.raises(SelectorError, match=f'selector {name}: action 2 is not in'):
        choose(1, **settings)


@pytest.mark.parametrize(
    ('settings', 'text'),
    [
        ({'min_duration': 9, 'max_duration': 8}, 'min_duration 9 is more than max_duration 8'),
        ({'min_duration': 0}, 'min_duration is 0'),
        ({'selector': 'wild'}, "selector is 'wild'"),
        ({'period': -1.0}, 'period is -1.0'),
    ],
)
def test_impossible_settings_are_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        SelectorConfig(**settings)
