"""A checkpoint that does not fit says what differs, in one readable line."""

from devrobot_world_model.compatibility import check_compatible, IncompatibleCheckpointError
import pytest

CONFIG = {'canvas': {'size': (4, 6)}, 'model': {'depth': 3}}


def refusal(*arguments):
    with pytest.raises(IncompatibleCheckpointError) as error:
        check_compatible(*arguments)
    return str(error.value)


def test_equal_models_are_compatible_also_after_json():
    check_compatible({'canvas': {'size': [4, 6]}, 'model': {'depth': 3}}, CONFIG)
    check_compatible(CONFIG, CONFIG, {'a': [4, 6]}, {'a': (4, 6)})


def test_settings_that_differ_are_named_with_both_values():
    text = refusal({'canvas': {'size': (6, 4)}, 'model': {'depth': 5}}, CONFIG)
    assert text == (
        'the checkpoint does not fit this model: canvas.size: saved [6, 4], here [4, 6]; '
        'model.depth: saved 5, here 3'
    )


def test_settings_only_one_side_knows_are_named():
    text = refusal({'model': {'depth': 3, 'old': 1}}, CONFIG)
    assert 'model.old: saved 1, unknown here' in text
    assert 'canvas.size: not saved, here [4, 6]' in text


def test_tensors_that_are_missing_unknown_or_of_another_shape_are_named():
    text = refusal({}, {}, {'a': [4, 6], 'b': [1]}, {'a': [6, 4], 'c': [2]})
    assert text.endswith(
        'a: saved [4, 6], here [6, 4]; b: unknown here; c: missing in the checkpoint'
    )


def test_a_wholly_different_model_is_told_in_one_short_line():
    text = refusal({}, {}, {f'weight{i}': [i] for i in range(100)}, {})
    assert text.count(';') == 5
    assert text.endswith('; and 95 more')
    assert '\n' not in text
