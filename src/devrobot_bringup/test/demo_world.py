"""Messages of a small dot world for the tests of the demo."""

from devrobot_interfaces_py.actions import ActionDefinition, ActionEvent, ActionSpace, Phase
import numpy as np

HEIGHT, WIDTH, STEP, BAR = 32, 48, 10, 4
SPACE = ActionSpace(
    robot_name='dot',
    robot_type='dot_world',
    actions=(
        ActionDefinition(
            label='stay', separator_color=(255, 0, 0), parameters=(('step_px', 0.0),)
        ),
        ActionDefinition(
            label='move', separator_color=(0, 255, 0), parameters=(('step_px', float(STEP)),)
        ),
    ),
)


def frame(x, y):
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rows, columns = np.arange(y - 2, y + 3) % HEIGHT, np.arange(x - 2, x + 3) % WIDTH
    image[rows[:, None], columns] = 255
    return image


def counterfactuals(frames):
    parts = []
    for image, action in zip(frames, SPACE.actions, strict=True):
        bar = np.empty((HEIGHT, BAR, 3), np.uint8)
        bar[:] = action.separator_color
        parts += [bar, image]
    return np.concatenate(parts, axis=1)


def run(monitor, actions, *, wrong=None, late=False, y=11):
    """Let the dot act and the model predict perfectly, but for the action ``wrong``."""
    x, now, outcomes = 3, 1000, []
    monitor.on_frame(now, frame(x, y), now, 0.0)
    for sequence, action in enumerate(actions, start=1):
        start = now + 10
        outcomes += monitor.on_event(
            ActionEvent(stamp_ns=start, sequence=sequence, phase=Phase.STARTED, action=action), 0.1
        )
        guesses = [frame(x + STEP * i, y) for i in range(2)]
        if wrong is not None:
            guesses[wrong] = frame(x + 20, y)
        published = start + (100 if late else 5)
        outcomes += monitor.on_counterfactuals(start, counterfactuals(guesses), published, 0.1)
        outcomes += monitor.on_event(
            ActionEvent(
                stamp_ns=start + 10, sequence=sequence, phase=Phase.FINISHED, action=action
            ),
            0.2,
        )
        x, now = x + STEP * action, start + 20
        outcomes += monitor.on_frame(now, frame(x, y), now + 1, float(sequence))
    return outcomes
