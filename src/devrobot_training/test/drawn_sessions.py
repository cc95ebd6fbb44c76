"""Sessions drawn by hypothesis, and what may be said of any part of one."""

from pathlib import Path

from devrobot_training.sessions.session import Session, TRANSITION_DTYPE
from hypothesis import strategies as st
import numpy as np
from session_worlds import INFO, picture, SPACE, START_NS, STEP_NS, Tape

RING = 5  # places of a robot that comes by again and again


@st.composite
def sessions(draw, min_size: int = 0, max_size: int = 40) -> Session:
    """Return a session in memory with few pictures, several chains and idle frames."""
    steps = draw(
        st.lists(
            st.tuples(
                st.integers(0, 1),  # the action
                st.integers(0, 3),  # the picture after it
                st.sampled_from(['goes on', 'goes on', 'goes on', 'idle frame', 'new chain']),
            ),
            min_size=min_size,
            max_size=max_size,
        )
    )
    frames, rows, chain, sequence = [picture(draw(st.integers(0, 3)))], [], 0, 0
    for action, seen, before in steps:
        if before != 'goes on' and rows:
            frames.append(picture(seen))
        if before == 'new chain' and rows:
            chain, sequence = chain + 1, sequence + 1
        sequence += 1
        frames.append(picture(seen))
        start = START_NS + 10 * STEP_NS * len(frames)
        index = len(frames) - 1
        rows.append((sequence, action, start, start + STEP_NS, index - 1, index, chain))
    return Session(
        name='drawn',
        bag=Path('drawn'),
        digest='0' * 32,
        info=INFO,
        action_space=SPACE,
        frames=np.stack(frames),
        frame_stamps=START_NS + 10 * STEP_NS * np.arange(len(frames)),
        transitions=np.array(rows, TRANSITION_DTYPE),
    )


def walk(actions: list[int | None], place: int = 0, ring: int = RING) -> Tape:
    """Return a tape of a robot on a ring whose picture is its place; None carries it off by 2."""
    made = Tape()
    made.frame(picture(place))
    for action in actions:
        if action is None:
            place += 2
            made.reset()
        else:
            place += action
            made.act(action)
        stamp, _ = made.items[-1]
        made.items[-1] = (stamp, picture(place % ring))
    return made


def ranges_of(total: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Draw rising ranges that do not overlap, some of them neighbours."""
    borders = st.lists(st.integers(0, total), min_size=2, max_size=8, unique=True).map(sorted)
    pairs = borders.map(lambda b: list(zip(b, b[1:], strict=False)))
    return st.tuples(pairs, st.lists(st.booleans(), min_size=7, max_size=7)).map(
        lambda drawn: (
            [p for p, keep in zip(drawn[0], drawn[1], strict=False) if keep] or drawn[0][:1]
        )
    )


def facts(session: Session) -> list[tuple]:
    """Return all that is known of each transition but its chain, with the pixels themselves."""
    return [
        (
            *(int(row[name]) for name in ('sequence', 'action', 'start_ns', 'finish_ns')),
            session.frames[row['before']].tobytes(),
            session.frames[row['after']].tobytes(),
        )
        for row in session.transitions
    ]


def windows(session: Session, length: int) -> set[tuple[int, ...]]:
    """Return every run that may share a canvas, by sequence numbers."""
    sequence = session.transitions['sequence']
    return {tuple(sequence[window].tolist()) for window in session.windows(length)}


def moments(session: Session) -> list[tuple[bytes, int]]:
    """Return picture and action of each transition, without any digest."""
    return [(before, action) for _, action, _, _, before, _ in facts(session)]


def assert_it_all_happened(part: Session, whole: Session, lengths=(1, 2, 3)) -> None:
    """Of a part, every transition and every canvas is one of the whole session's."""
    assert set(facts(part)) <= set(facts(whole))
    sequence = part.transitions['sequence'].tolist()
    assert sequence == sorted(set(sequence))
    for length in lengths:
        assert windows(part, length) <= windows(whole, length)
