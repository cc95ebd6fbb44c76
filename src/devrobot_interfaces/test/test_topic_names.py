"""Rules of names: relative to the robot's namespace, valid in ROS, none twice."""

import re

from devrobot_interfaces_py import topics

NAMES = {key: value for key, value in vars(topics).items() if key.isupper()}


def test_names_are_valid_and_relative():
    for key, name in NAMES.items():
        if key not in ('COMPRESSED_SUFFIX', 'DIAGNOSTICS'):
            assert re.fullmatch(r'[a-z]\w*(/[a-z]\w*)*', name), key


def test_no_name_is_used_twice():
    assert len(set(NAMES.values())) == len(NAMES)


def test_world_model_names_lie_under_its_node():
    world_model = {key for key in NAMES if key.startswith('WORLD_MODEL_')} - {'WORLD_MODEL_NODE'}
    for key in world_model:
        assert NAMES[key] == f'world_model/{key.removeprefix("WORLD_MODEL_").lower()}'


def test_camera_topics():
    assert topics.camera_topic('') == 'image_raw'
    assert topics.camera_topic('front') == 'front/image_raw'


def test_a_node_sees_its_own_names_as_private():
    assert topics.private(topics.WORLD_MODEL_PREDICTION) == '~/prediction'
    assert topics.private(topics.DRIVER_STOP) == '~/stop'
