"""
The parameter tables of the README, made from the configuration classes.

``python -m devrobot_world_model.parameter_docs README.md`` writes them into the file.
"""

from pathlib import Path
import sys

from devrobot_interfaces_py.atomic import write_text
from devrobot_interfaces_py.configs import flatten
from devrobot_interfaces_py.parameter_tables import markdown_table
from devrobot_world_model.config import preset, PRESET_NAMES
from devrobot_world_model.nodes.settings import DEFAULT_PRESET, NodeConfig, StartConfig

BEGIN, END = '<!-- parameters: generated -->', '<!-- end of parameters -->'


def parameter_tables() -> str:
    """Return all parameters of the node, and in what the presets differ, as Markdown."""
    return '\n'.join([
        '#### Node', '', markdown_table(StartConfig()) + _rows(markdown_table(NodeConfig())),
        f'#### Model (defaults of the preset `{DEFAULT_PRESET}`)', '',
        markdown_table(preset(DEFAULT_PRESET)),
        '#### Presets', '', preset_table(),
    ])  # fmt: skip


def preset_table() -> str:
    """Return the settings in which presets differ."""
    values = {
        name: {info.name: info.default for info in flatten(preset(name))} for name in PRESET_NAMES
    }
    lines = [
        '| name | ' + ' | '.join(f'`{name}`' for name in PRESET_NAMES) + ' |',
        '|---' * (len(PRESET_NAMES) + 1) + '|',
    ]
    for setting in values[DEFAULT_PRESET]:
        cells = [str(values[name][setting]) for name in PRESET_NAMES]
        if len(set(cells)) > 1:
            lines.append(f'| `{setting}` | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def updated(text: str) -> str:
    """
    Return ``text`` with fresh tables between its two marks.

    :raises ValueError: if a mark is missing.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f'the text needs the marks {BEGIN!r} and {END!r}')
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    return f'{head}{BEGIN}\n\n{parameter_tables()}\n{END}{tail}'


def _rows(table: str) -> str:
    """Return a table without its two header lines."""
    return '\n'.join(table.split('\n')[2:])


if __name__ == '__main__':
    for argument in sys.argv[1:]:
        path = Path(argument)
        write_text(path, updated(path.read_text(encoding='utf-8')))
