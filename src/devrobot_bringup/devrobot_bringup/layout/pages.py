"""The layout of devrobot: which panel shows which topic, service or parameter, page by page."""

import json
from typing import Any

from devrobot_bringup.layout import panels as p
from devrobot_interfaces_py import topics

DEFAULT_NAMESPACE = 'toroidal_dot'


class DevrobotLayout:
    """Builds the pages for the robot in one namespace."""

    def __init__(self, namespace: str) -> None:
        parts = namespace.strip('/').split('/')
        if not all(part.isidentifier() and part.isascii() for part in parts):
            raise ValueError(
                f'{namespace!r} is not a ROS namespace: use letters, digits and _, like jetbot'
            )
        self._namespace = '/'.join(parts)

    def export(self) -> dict[str, Any]:
        """Return the whole layout."""
        pages = {
            'Overview': self._overview(),
            'Canvas': self._canvas(),
            'Learning': self._learning(),
            'Models': self._models(),
            'Training': self._training(),
            'System': self._system(),
        }
        return p.export(p.tabs('devrobot', pages))

    def _name(self, relative: str) -> str:
        return f'/{self._namespace}/{relative}'

    def _image(self, title: str, relative: str) -> p.Panel:
        return p.image(title, self._name(relative))

    def _button(self, title: str, relative: str, color: str, **request: Any) -> p.Panel:
        return p.button(title, self._name(relative), request, color=color)

    def _form(self, title: str, relative: str, **request: Any) -> p.Panel:
        return p.button(title, self._name(relative), request, color=p.BLUE, editable=True)

    def _overview(self) -> p.Panel | p.Split:
        images = p.row(
            self._image('Camera', topics.IMAGE_RAW),
            self._image('Predicted frame', topics.WORLD_MODEL_PREDICTED_IMAGE),
            self._image('Error of the prediction', topics.WORLD_MODEL_ERROR_IMAGE),
        )
        errors = self._name(topics.WORLD_MODEL_PREDICTION_ERROR)
        error_plot = p.plot(
            'Prediction error',
            {
                'world model': f'{errors}.hybrid_loss',
                'nothing changes': f'{errors}.baseline_hybrid_loss',
            },
        )
        counterfactuals = self._image(
            'Predictions, one for each action', topics.WORLD_MODEL_COUNTERFACTUALS
        )
        buttons = p.column(
            self._button('Robot: go', topics.SELECTOR_SET_RUNNING, p.GREEN, data=True),
            self._button('Robot: pause', topics.SELECTOR_SET_RUNNING, p.GRAY, data=False),
        )
        return p.column(
            images,
            p.row(counterfactuals, error_plot, buttons, shares=(4, 5, 2)),
            shares=(1, 1),
        )

    def _canvas(self) -> p.Panel | p.Split:
        return p.column(
            self._image('Canvas', topics.WORLD_MODEL_CANVAS),
            self._image('Canvas with the hidden patches', topics.WORLD_MODEL_CANVAS_MASKED),
            self._image('Inpainted by the model', topics.WORLD_MODEL_INPAINTED),
            p.row(
                self._image('Composite', topics.WORLD_MODEL_COMPOSITE),
                self._image('Current frame', topics.WORLD_MODEL_CURRENT_FRAME),
                shares=(3, 1),
            ),
            self._image('Imagined future', topics.WORLD_MODEL_ROLLOUT),
        )

    def _learning(self) -> p.Panel | p.Split:
        metrics = self._name(topics.WORLD_MODEL_TRAINING_METRICS)
        history = self._name(topics.WORLD_MODEL_LOSS_HISTORY)
        errors = self._name(topics.WORLD_MODEL_PREDICTION_ERROR)
        left = p.column(
            p.plot('Training loss', {'train loss': f'{metrics}.train_loss'}),
            p.plot('Pixel error (log10)', {'mse': f'{errors}.mse.@log10'}),
        )
        middle = p.column(
            p.plot(
                'Learning rate', {'rate': self._name(topics.WORLD_MODEL_LEARNING_RATE) + '.data'}
            ),
            p.plot(
                'Time of one step',
                {'seconds': self._name(topics.WORLD_MODEL_ITERATION_TIME) + '.data'},
            ),
            p.raw('Last losses', history),
        )
        right = p.column(
            self._button('Learning: on', topics.WORLD_MODEL_SET_LEARNING, p.GREEN, data=True),
            self._button('Learning: off', topics.WORLD_MODEL_SET_LEARNING, p.GRAY, data=False),
            self._button('Forget the history', topics.WORLD_MODEL_RESET_HISTORY, p.RED),
        )
        return p.row(left, middle, right, shares=(5, 4, 2))

    def _models(self) -> p.Panel | p.Split:
        return p.row(
            p.column(
                self._form('Save the model', topics.WORLD_MODEL_SAVE_CHECKPOINT, name='', note=''),
                self._form(
                    'Load a model',
                    topics.WORLD_MODEL_LOAD_CHECKPOINT,
                    name='',
                    restore_optimizer=True,
                ),
            ),
            p.column(
                self._form('List the models', topics.WORLD_MODEL_LIST_CHECKPOINTS),
                self._form('Predict an action', topics.WORLD_MODEL_PREDICT, action={'index': 1}),
            ),
            p.raw('Training metrics', self._name(topics.WORLD_MODEL_TRAINING_METRICS)),
            shares=(2, 2, 1),
        )

    def _training(self) -> p.Panel | p.Split:
        metrics = self._name(topics.TRAINING_METRICS)
        losses = {'training': 'train_loss', 'validation': 'validation_loss'}
        return p.row(
            p.column(
                p.plot(
                    'Losses of an offline training',
                    {label: f'{metrics}.{name}' for label, name in losses.items()},
                ),
                p.raw('Evaluation', self._name(topics.TRAINING_EVALUATION)),
                shares=(3, 2),
            ),
            p.column(
                self._form(
                    'Train on a session',
                    topics.TRAINING_START,
                    root_session='',
                    overrides=['preset=tiny'],
                ),
                self._form(
                    'Measure a model',
                    topics.TRAINING_START_EVALUATION,
                    session='',
                    checkpoint='',
                    stride=1,
                ),
            ),
            p.column(
                self._form('What the training server does', topics.TRAINING_STATUS),
                self._button('Training: stop', topics.TRAINING_STOP, p.RED),
                shares=(3, 1),
            ),
            shares=(2, 1, 1),
        )

    def _system(self) -> p.Panel | p.Split:
        events = self._name(topics.ACTION_EVENTS)
        actions = p.states(
            'Actions', {'action': f'{events}.action.index', 'phase': f'{events}.phase'}
        )
        robot = p.row(
            self._form(
                'Execute an action', topics.EXECUTE_ACTION, action={'index': 1}, source='viewer'
            ),
            p.column(
                self._button('Robot: stop', topics.DRIVER_STOP, p.RED),
                self._button('Robot: reset', topics.DRIVER_RESET, p.GRAY),
            ),
        )
        session = p.row(
            p.raw('Session', self._name(topics.SESSION_INFO)),
            p.raw('Action space', self._name(topics.ACTION_SPACE)),
        )
        return p.row(
            p.column(p.diagnostics('Diagnostics'), p.log('Log'), actions, shares=(3, 3, 2)),
            p.column(p.parameters('Parameters'), robot, session, shares=(4, 4, 3)),
            p.topic_graph('Nodes and topics'),
            shares=(4, 4, 3),
        )


def layout_text(namespace: str = DEFAULT_NAMESPACE) -> str:
    """
    Return the layout file for the robot in ``namespace``.

    :raises ValueError: if ``namespace`` is not a ROS namespace.
    """
    return json.dumps(DevrobotLayout(namespace).export(), indent=2) + '\n'
