"""The latest training and validation are found by their names and the time of their contents."""

import os
from pathlib import Path

from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.pairs import latest_pair
from devrobot_training.sessions.session import SessionError
import pytest
from session_worlds import tape


def session_file(path: Path, minute: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{}')
    os.utime(path, (60 * minute, 60 * minute))
    return path


@pytest.mark.parametrize(
    ('train', 'validation'),
    [
        ('x_train', 'x_validation'),
        ('x_train', 'x_val'),
        ('train_01', 'validation_01'),
        ('retrained_train', 'retrained_validation'),
        ('training', 'validation'),
    ],
)
def test_names_that_differ_in_that_word_are_a_pair(tmp_path, train, validation):
    pair = tuple(
        session_file(tmp_path / f'{name}.session.json', 1) for name in (train, validation)
    )
    session_file(tmp_path / 'other_train.session.json', 9)
    assert latest_pair([tmp_path]) == pair


def test_the_newest_pair_of_all_folders_is_taken(tmp_path):
    for minute, folder in ((1, 'a/one'), (3, 'b/two'), (2, 'b/three')):
        for word in ('train', 'validation'):
            session_file(tmp_path / folder / f'{word}.session.json', minute)
    pair = latest_pair([tmp_path / 'a', tmp_path / 'b', tmp_path / 'missing'])
    assert {path.parent.name for path in pair} == {'two'}


def test_what_was_filtered_or_is_being_written_is_no_source(tmp_path):
    for word in ('train', 'validation'):
        session_file(tmp_path / f'x_{word}_filtered.session.json', 1)
        session_file(tmp_path / f'.x.partial/{word}.session.json', 1)
        session_file(tmp_path / f'.y.partial/{word}/metadata.yaml', 1)
    with pytest.raises(SessionError, match='no pair like x_train and x_validation'):
        latest_pair([tmp_path])


def test_opening_an_older_bag_does_not_make_it_the_latest(tmp_path):
    for minute, folder in ((1, 'old'), (2, 'new')):
        for word in ('train', 'validation'):
            bag = tape([1, 0]).write(tmp_path / folder / word)
            for path in (*bag.iterdir(), bag):
                os.utime(path, (60 * minute, 60 * minute))
    open_session(tmp_path / 'old/train')
    assert {path.parent.name for path in latest_pair([tmp_path])} == {'new'}
