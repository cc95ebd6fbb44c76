"""Rules of config dataclasses."""

import argparse
from dataclasses import dataclass, field
import math
from pathlib import Path

from devrobot_interfaces_py import configs
from devrobot_interfaces_py.configs import ConfigError, param
from devrobot_interfaces_py.parameter_tables import markdown_table
import pytest
import yaml


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    rate: float = param(0.1, 'Step size.', minimum=0, maximum=1, live=True)
    betas: tuple[float, float] = param((0.9, 0.95), 'Memory of the moments.', minimum=0.0)

    def __post_init__(self):
        configs.check_ranges(self)
        if self.betas[0] > self.betas[1]:
            raise ValueError(f'betas are {self.betas}, must rise')


@dataclass(frozen=True, kw_only=True)
class Config:
    count: int = param(3, 'How many | at most 100%.', minimum=1)
    mode: str = param('a', 'How.', choices=('a', 'b'))
    enabled: bool = param(True, 'Whether.')
    note: str | None = param(None, 'Free text.')
    sizes: tuple[int, ...] = param((), 'Sizes.', maximum=9)
    folder: Path = param(Path('out'), 'Where.')
    optimizer: Optimizer = field(default_factory=Optimizer)

    def __post_init__(self):
        configs.check_ranges(self)


def message(action):
    with pytest.raises(ConfigError) as caught:
        action()
    text = str(caught.value)
    assert '\n' not in text
    return text


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ({'count': 0}, 'count is 0, must be at least 1'),
        ({'count': True}, 'count is True, must be a whole number'),
        ({'count': 2.5}, 'count is 2.5, must be a whole number'),
        ({'count': None}, 'count is empty, must be a whole number'),
        ({'mode': 'c'}, "mode is 'c', must be one of a, b"),
        ({'mode': 3}, 'mode is 3, must be text (put it in quotes)'),
        ({'enabled': 1}, 'enabled is 1, must be true or false'),
        ({'sizes': (1, 10)}, 'sizes[1] is 10, must be at most 9'),
        ({'sizes': 5}, 'sizes is 5, must be a list, each a whole number'),
    ],
)
def test_wrong_values_are_refused_everywhere_with_the_same_words(values, expected):
    assert message(lambda: Config(**values)) == expected
    assert message(lambda: configs.config_from_dict(Config, values)) == expected


@dataclass(frozen=True, kw_only=True)
class Limits:
    free: float = param(1.0, 'any')
    low: float = param(1.0, 'from 0 on', minimum=0.0)
    many: tuple[float, ...] = param((1.0,), 'some')

    def __post_init__(self):
        configs.check_ranges(self)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ('name', 'words'),
    [('free', ''), ('low', ', at least 0.0'), ('many', '')],
)
def test_what_is_not_finite_is_refused_in_every_setting_and_the_range_is_told(name, words, value):
    given = (2.0, value) if name == 'many' else value
    shown = 'many[1]' if name == 'many' else name
    expected = f'{shown} is {value}, must be a finite number{words}'
    assert message(lambda: Limits(**{name: given})) == expected
    text = str(value).replace('nan', '.nan').replace('inf', '.inf')
    override = f'{name}=[2.0, {text}]' if name == 'many' else f'{name}={text}'
    assert message(lambda: configs.load_config(Limits, None, [override])) == expected


def test_bounds_belong_to_the_range():
    assert Optimizer(rate=0.0).rate == 0.0
    assert Optimizer(rate=1.0).rate == 1.0


def test_nested_values_are_read_and_the_others_keep_their_defaults():
    config = configs.config_from_dict(Config, {'count': 5, 'optimizer': {'rate': 1}})
    assert config == Config(count=5, optimizer=Optimizer(rate=1.0))
    assert type(config.optimizer.rate) is float


def test_values_not_given_come_from_the_base():
    base = Config(count=7, optimizer=Optimizer(rate=0.2))
    config = configs.config_from_dict(Config, {'optimizer': {'betas': [0.1, 0.2]}}, base=base)
    assert (config.count, config.optimizer) == (7, Optimizer(rate=0.2, betas=(0.1, 0.2)))


def test_nested_errors_name_the_whole_path():
    wrong = {'optimizer': {'rate': -1.0}}
    expected = 'optimizer.rate is -1.0, must be between 0.0 and 1.0'
    assert message(lambda: configs.config_from_dict(Config, wrong)) == expected
    crossed = {'optimizer': {'betas': [0.9, 0.1]}}
    expected = 'optimizer: betas are (0.9, 0.1), must rise'
    assert message(lambda: configs.config_from_dict(Config, crossed)) == expected
    assert 'a list of 2' in message(lambda: configs.config_from_dict(Optimizer, {'betas': [1]}))


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ({'cuont': 1}, 'unknown setting cuont, did you mean count?'),
        ({'optimizer': {'rat': 1}}, 'unknown setting optimizer.rat, did you mean optimizer.rate?'),
        ({'rate': 1}, 'unknown setting rate, did you mean optimizer.rate?'),
        ({'optimizer': 3}, 'optimizer is 3, must be a mapping of names to values'),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(values, expected):
    assert message(lambda: configs.config_from_dict(Config, values)) == expected


def test_dict_and_back_is_the_same_config():
    config = Config(count=4, sizes=(1, 2), note='n', folder=Path('x/y'))
    plain = configs.config_to_dict(config)
    assert plain['optimizer'] == {'rate': 0.1, 'betas': [0.9, 0.95]}
    assert configs.config_from_dict(Config, yaml.safe_load(yaml.safe_dump(plain))) == config


def test_replace_reaches_into_nested_configs_and_checks():
    config = configs.replace_dotted(Config(count=9), {'optimizer.rate': 0.3, 'mode': 'b'})
    assert config == Config(count=9, mode='b', optimizer=Optimizer(rate=0.3))
    assert 'rate is 2.0' in message(lambda: configs.replace_dotted(config, {'optimizer.rate': 2}))


def test_file_then_overrides(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('count: 5\noptimizer: {rate: 1e-3}\n')
    overrides = ['count=6', 'sizes=1,2', 'note=12', 'folder=a=b', 'optimizer.betas=[0.1, 1e-0]']
    config = configs.load_config(Config, path, overrides)
    assert config == Config(
        count=6,
        sizes=(1, 2),
        note='12',
        folder=Path('a=b'),
        optimizer=Optimizer(rate=0.001, betas=(0.1, 1.0)),
    )


def test_without_a_file_the_base_is_taken_and_overridden():
    base = Config(count=7, optimizer=Optimizer(rate=0.2))
    config = configs.load_config(Config, None, ['optimizer.betas=0.1,0.2'], base=base)
    assert config == Config(count=7, optimizer=Optimizer(rate=0.2, betas=(0.1, 0.2)))
    assert configs.load_config(Config, None, base=base) == base
    assert configs.load_config(Config, None) == Config()


def test_a_file_holds_all_settings_and_nothing_of_the_base(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('count: 5\n')
    base = Config(count=7, mode='b')
    assert configs.load_config(Config, path, base=base) == Config(count=5)


def test_ros_parameter_file_is_read(tmp_path):
    path = tmp_path / 'node.yaml'
    path.write_text('/**:\n  ros__parameters:\n    count: 5\n    optimizer.rate: 0.5\n')
    assert configs.load_config(Config, path) == Config(count=5, optimizer=Optimizer(rate=0.5))


def test_file_errors_name_the_file(tmp_path):
    path = tmp_path / 'config.yaml'
    assert message(lambda: configs.load_config(Config, path)).startswith(f'cannot read {path}')
    path.write_text('count: [1')
    assert f'{path} is not valid YAML' in message(lambda: configs.load_config(Config, path))
    path.write_text('count: 0')
    expected = f'{path}: count is 0, must be at least 1'
    assert message(lambda: configs.load_config(Config, path)) == expected
    path.write_text('- 1')
    assert 'must be a mapping' in message(lambda: configs.load_config(Config, path))


def test_yaml_cannot_make_objects(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('note: !!python/object/apply:os.getcwd []')
    assert 'is not valid YAML' in message(lambda: configs.load_config(Config, path))


def test_bad_overrides_are_refused():
    expected = "override 'count' must look like name=value"
    assert message(lambda: configs.load_config(Config, None, ['count'])) == expected
    expected = "count is 'many', must be a whole number"
    assert message(lambda: configs.load_config(Config, None, ['count=many'])) == expected


def test_none_empties_an_optional_setting():
    assert configs.load_config(Config, None, ['note=x', 'note=none']).note is None


def test_command_line_options_are_the_settings():
    parser = argparse.ArgumentParser()
    configs.add_arguments(parser, Config)
    namespace = parser.parse_args(['--optimizer.rate', '0.5', '--enabled', 'false'])
    base = Config(count=8)
    expected = Config(count=8, enabled=False, optimizer=Optimizer(rate=0.5))
    assert configs.config_from_args(Config, namespace, base=base) == expected
    help_text = ' '.join(parser.format_help().split())
    assert 'Step size. (default 0.1; between 0.0 and 1.0)' in help_text
    namespace = parser.parse_args(['--count', '0'])
    expected = '--count is 0, must be at least 1'
    assert message(lambda: configs.config_from_args(Config, namespace)) == expected


@dataclass(frozen=True, kw_only=True)
class TwoWords:
    train_steps: int = param(3, 'How many.', minimum=1)


def test_command_line_options_have_hyphens_between_words():
    parser = argparse.ArgumentParser()
    configs.add_arguments(parser, TwoWords)
    namespace = parser.parse_args(['--train-steps', '0'])
    expected = '--train-steps is 0, must be at least 1'
    assert message(lambda: configs.config_from_args(TwoWords, namespace)) == expected


def test_flatten_tells_all_about_a_setting():
    infos = {info.name: info for info in configs.flatten(Config(optimizer=Optimizer(rate=0.7)))}
    rate = infos['optimizer.rate']
    assert (rate.type, rate.default, rate.doc, rate.live) == (float, 0.7, 'Step size.', True)
    assert (rate.minimum, rate.maximum, infos['mode'].choices) == (0, 1, ('a', 'b'))


def test_table_has_a_row_for_every_setting():
    rows = markdown_table(Config).splitlines()
    assert len(rows) == 2 + 8
    assert r'| `count` | int | `3` | at least 1 | no | How many \| at most 100%. |' in rows
    assert '| `optimizer.rate` | float | `0.1` | between 0.0 and 1.0 | yes | Step size. |' in rows


def test_required_setting_must_be_given():
    @dataclass(frozen=True, kw_only=True)
    class Required:
        name: str

    assert configs.flatten(Required)[0].required
    assert message(lambda: configs.config_from_dict(Required, {})) == (
        'name is missing, it has no default'
    )


def test_types_that_cannot_be_settings_are_refused():
    @dataclass(frozen=True, kw_only=True)
    class Odd:
        value: complex = param(1j, 'Odd.')

    with pytest.raises(TypeError, match='setting value has type'):
        configs.flatten(Odd)
