"""The parameter tables of the README cannot drift from the code."""

from pathlib import Path

from devrobot_world_model import parameter_docs
import pytest

README = Path(__file__).parents[1] / 'README.md'


def test_parameter_tables_of_the_readme_are_up_to_date():
    text = README.read_text(encoding='utf-8')
    assert parameter_docs.updated(text) == text, (
        'stale: run python -m devrobot_world_model.parameter_docs README.md'
    )


def test_a_text_without_marks_is_refused():
    with pytest.raises(ValueError, match='needs the marks'):
        parameter_docs.updated('no marks')


def test_only_what_differs_is_listed_for_the_presets():
    table = parameter_docs.preset_table()
    assert '| `model.patch_size` | 8 | 16 | 16 | 16 |' in table
    assert 'rotary_base' not in table
