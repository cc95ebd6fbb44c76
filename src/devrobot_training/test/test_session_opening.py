"""A bag becomes a session: frames once, transitions by the pairing rule, built once."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
import multiprocessing
import os
from pathlib import Path
import shutil
import threading

from devrobot_interfaces_py.actions import ActionDefinition, Phase
from devrobot_interfaces_py.session_files import write_session_file
from devrobot_training.sessions import opening
from devrobot_training.sessions.cache import FOLDER
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import check_same_action_space, SessionError
import numpy as np
import pytest
from session_worlds import picture, SPACE, START_NS, STEP_NS, Tape, tape

ACTIONS = [1, 0, 1, None, 0, 1]


def open_built(path: Path):
    session = open_session(path)
    return session.digest, len(session)


@pytest.fixture
def bag(tmp_path) -> Path:
    return tape(ACTIONS).write(tmp_path / 'bag')


def test_transitions_are_what_happened(bag):
    session = open_session(bag)
    rows = session.transitions
    assert rows['action'].tolist() == [1, 0, 1, 0, 1]
    assert rows['sequence'].tolist() == [1, 2, 3, 5, 6]
    assert rows['chain'].tolist() == [0, 0, 0, 1, 1]
    numbers = session.frames[:, 0, 0, 0]
    assert numbers[rows['before']].tolist() == [0, 1, 2, 4, 5]
    assert numbers[rows['after']].tolist() == [1, 2, 3, 5, 6]
    assert rows['start_ns'][0] == START_NS + STEP_NS
    assert rows['finish_ns'][0] == START_NS + 2 * STEP_NS


def test_a_frame_is_stored_once_and_unused_ones_are_not(tmp_path):
    made = tape([1, 0])
    for _ in range(5):
        made.frame()
    made.act(1)
    session = open_session(made.write(tmp_path / 'bag'))
    assert session.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 7, 8]
    assert session.frame_stamps.tolist() == sorted(session.frame_stamps)
    assert session.observed_frames == 9
    assert session.frames.shape == (5, 4, 6, 3) and not session.frames.flags.writeable


def test_what_does_not_pair_is_counted(tmp_path):
    made = tape([1])
    made.sequence += 1
    made.event(Phase.STARTED, 1)
    made.event(Phase.ABORTED, 1)
    made.frame()
    made.sequence += 1
    made.event(Phase.STARTED, 1)
    session = open_session(made.write(tmp_path / 'bag'))
    assert len(session) == 1
    assert session.unpaired == {'aborted': 1, 'no finish event': 1}


def test_facts_of_the_session(bag):
    session = open_session(bag)
    assert session.action_counts == {'stay': 2, 'move': 3}
    assert session.chain_count == 2 and session.name == 'bag'
    assert session.info.session_id == 'monday'
    assert session.action_space == SPACE
    assert session.duration_s == pytest.approx(0.018, abs=0.001)


def test_windows_do_not_leave_their_chain(bag):
    session = open_session(bag)
    assert session.windows(2).tolist() == [[0, 1], [1, 2], [3, 4]]
    assert session.windows(3).tolist() == [[0, 1, 2]]
    assert session.windows(9).shape == (0, 9)


def test_selected_pieces_are_never_joined(bag):
    session = open_session(bag)
    part = session.select([(0, 1), (1, 3), (4, 5)])
    assert part.transitions['chain'].tolist() == [0, 1, 1, 2]
    assert part.windows(2).tolist() == [[1, 2]]
    assert np.shares_memory(part.frames, session.frames)
    for ranges in ([(0, 9)], [(2, 3), (1, 2)], [(1, 1)]):
        with pytest.raises(SessionError, match='are not a part of 0 to 5'):
            session.select(ranges)


def test_the_second_time_the_bag_is_not_read(bag, monkeypatch):
    first = open_session(bag)
    monkeypatch.setattr(opening, 'open_bag', None)
    again = open_session(bag)
    assert np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.transitions, again.transitions)
    assert (again.info, again.action_space, again.notes) == (
        first.info,
        first.action_space,
        first.notes,
    )


def test_a_copied_bag_is_recognised_by_its_contents(bag, tmp_path, monkeypatch):
    open_session(bag)
    copy = shutil.copytree(bag, tmp_path / 'copy')
    (file,) = copy.glob('*.mcap')
    os.utime(file, ns=(1, 1))
    monkeypatch.setattr(opening, 'open_bag', None)
    assert len(open_session(copy)) == 5


def test_a_changed_bag_is_built_anew_and_the_old_cache_goes(bag, tmp_path):
    first = open_session(bag)
    other = tape([1]).write(tmp_path / 'other' / 'bag')
    (file,) = other.glob('*.mcap')
    shutil.copy(file, bag / file.name)
    assert len(open_session(bag)) == 1
    assert open_session(bag).digest != first.digest
    assert len(list((bag / FOLDER).iterdir())) == 1


def test_a_bare_file_has_its_cache_beside_it(bag, tmp_path):
    (file,) = bag.glob('*.mcap')
    bare = Path(shutil.copy(file, tmp_path / 'bare.mcap'))
    assert len(open_session(bare)) == 5
    assert (tmp_path / f'bare.mcap{FOLDER}').is_dir()


def test_where_the_folder_is_read_only_the_home_is_used(bag, tmp_path):
    (bag / FOLDER).write_text('in the way')
    home = tmp_path / 'home'
    assert len(open_session(bag, cache_home=home)) == 5
    assert len(list(home.iterdir())) == 1


def test_processes_that_build_at_once_agree(bag):
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        found = set(pool.map(open_built, [bag] * 6))
    assert found == {open_built(bag)}
    assert len(list((bag / FOLDER).iterdir())) == 1


def test_threads_that_build_at_once_agree(bag):
    found = []
    threads = [threading.Thread(target=lambda: found.append(open_built(bag))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_what_a_killed_build_left_is_swept_up(bag):
    left = bag / FOLDER / '.999999999-dead.partial'
    left.mkdir(parents=True)
    open_session(bag)
    assert not left.exists()


def test_what_another_process_is_about_to_publish_is_not_taken(bag):
    open_session(bag)
    (built,) = (bag / FOLDER).iterdir()
    workshop = built.rename(built.with_name(f'.{os.getpid()}-live.partial'))
    session = open_session(bag)
    assert workshop not in Path(session.frames.filename).parents
    assert workshop.exists() and built.exists()


def test_an_interrupted_build_leaves_nothing(bag):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_session(bag, progress=stop)
    assert not (bag / FOLDER).exists()


def test_progress_ends_at_the_total(bag):
    seen = []
    open_session(bag, progress=lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 0 and seen[-1][0] == seen[-1][1] > 0


def test_a_session_file_opens_its_part(bag, tmp_path):
    whole = open_session(bag)
    path = tmp_path / 'splits' / 'part.session.json'
    facts = {'digest': whole.digest, 'action_space_digest': SPACE.digest, 'made_by': {}}
    write_session_file(path, bag=bag, ranges=[(1, 3)], **facts)
    part = open_session(path)
    assert (part.name, part.transitions['sequence'].tolist()) == ('part', [2, 3])
    write_session_file(path, bag=bag, ranges=[(1, 3)], **{**facts, 'digest': 'other'})
    with pytest.raises(SessionError, match='has changed since'):
        open_session(path)
    write_session_file(path, bag=tmp_path / 'gone', ranges=None, **facts)
    with pytest.raises(SessionError, match=r'gone is gone'):
        open_session(path)


def test_sessions_of_different_robots_are_not_mixed(tmp_path):
    one = open_session(tape([1]).write(tmp_path / 'one'))
    actions = (
        SPACE.actions[0],
        ActionDefinition(label='jump', separator_color=(0, 0, 255)),
    )
    space = replace(SPACE, actions=actions)
    two = open_session(tape([1]).write(tmp_path / 'two', action_space=space))
    check_same_action_space([one, one])
    with pytest.raises(SessionError, match=r'two .* and one .* action 1 is .*move.*jump'):
        check_same_action_space([one, two])


def test_two_cameras_are_one_frame(tmp_path):
    made = Tape()
    images = [picture(number) for number in range(3)]
    made.items.append((made.now_ns, images[0]))
    path = tmp_path / 'bag'
    from devrobot_interfaces_py.bags import BagWriter
    from session_worlds import INFO

    with BagWriter(path, action_space=SPACE, session_info=INFO, cameras=('a', 'b')) as writer:
        for number, image in enumerate(images):
            stamp = START_NS + number * 10 * STEP_NS
            writer.frame(stamp, image, image + 100)
            for offset, phase in ((1, Phase.STARTED), (2, Phase.FINISHED)):
                made.now_ns = stamp + offset * STEP_NS
                made.sequence = number
                made.event(phase)
                writer.event(made.items[-1])
    session = open_session(path)
    assert session.frames.shape == (3, 8, 6, 3)
    assert session.frames[1, :, 0, 0].tolist() == [1] * 4 + [101] * 4
