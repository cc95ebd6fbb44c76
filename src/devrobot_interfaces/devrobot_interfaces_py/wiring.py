"""Every topic, service and action of a robot as data: type, QoS, owner and meaning."""

from dataclasses import dataclass

from devrobot_interfaces_py import topics as names

_IMAGE = 'sensor_msgs/msg/Image'
_FLOAT = 'std_msgs/msg/Float32'
_TRIGGER = 'std_srvs/srv/Trigger'
_SET_BOOL = 'std_srvs/srv/SetBool'


@dataclass(frozen=True)
class Topic:
    """A topic; ``qos`` is the name of a profile in qos.py, ``owner`` the node that publishes."""

    name: str
    type: str
    qos: str
    owner: str
    meaning: str


@dataclass(frozen=True)
class Service:
    """A service; ``owner`` is the node that offers it."""

    name: str
    type: str
    owner: str
    meaning: str


@dataclass(frozen=True)
class Action:
    """An action; ``owner`` is the node that offers it."""

    name: str
    type: str
    owner: str
    meaning: str


def _ours(kind: str, name: str) -> str:
    return f'devrobot_interfaces/{kind}/{name}'


def _driver(name: str, type_name: str, qos: str, meaning: str) -> Topic:
    return Topic(name, type_name, qos, names.DRIVER_NODE, meaning)


def _model(name: str, type_name: str, qos: str, meaning: str) -> Topic:
    return Topic(name, type_name, qos, names.WORLD_MODEL_NODE, meaning)


def _model_service(name: str, type_name: str, meaning: str) -> Service:
    return Service(name, type_name, names.WORLD_MODEL_NODE, meaning)


def _training_service(name: str, type_name: str, meaning: str) -> Service:
    return Service(name, type_name, names.TRAINING_NODE, meaning)


TOPICS: tuple[Topic, ...] = (
    _driver(names.IMAGE_RAW, _IMAGE, 'IMAGES', 'camera, rgb8; `<camera>/image_raw` for several'),
    _driver(
        names.IMAGE_RAW + names.COMPRESSED_SUFFIX,
        'sensor_msgs/msg/CompressedImage',
        'IMAGES',
        'the same frame, compressed',
    ),
    _driver(names.CAMERA_INFO, 'sensor_msgs/msg/CameraInfo', 'IMAGES', 'size of the frames'),
    _driver(names.ACTION_SPACE, _ours('msg', 'ActionSpace'), 'LATCHED', 'what the robot can do'),
    _driver(
        names.ACTION_EVENTS,
        _ours('msg', 'ActionEvent'),
        'EVENTS',
        'accepted, started, finished, aborted, reset',
    ),
    Topic(
        names.CMD_VEL,
        'geometry_msgs/msg/Twist',
        'COMMANDS',
        'whoever drives by hand',
        'a velocity; followed while no action runs, if the driver has `cmd_vel: true`',
    ),
    _driver(names.SESSION_INFO, _ours('msg', 'SessionInfo'), 'LATCHED', 'facts about the session'),
    _model(
        names.WORLD_MODEL_PREDICTION,
        _ours('msg', 'Prediction'),
        'RESULTS',
        'a prediction was made; stamp and sequence of the STARTED event',
    ),
    _model(
        names.WORLD_MODEL_PREDICTION_ERROR,
        _ours('msg', 'PredictionError'),
        'RESULTS',
        'how far it was from what was seen; stamp and sequence of the STARTED event',
    ),
    _model(
        names.WORLD_MODEL_TRAINING_METRICS,
        _ours('msg', 'TrainingMetrics'),
        'RESULTS',
        'progress of learning',
    ),
    _model(names.WORLD_MODEL_LOSS, _FLOAT, 'RESULTS', 'training loss'),
    _model(names.WORLD_MODEL_LEARNING_RATE, _FLOAT, 'RESULTS', 'learning rate'),
    _model(names.WORLD_MODEL_ITERATION_TIME, _FLOAT, 'RESULTS', 'seconds for one iteration'),
    _model(
        names.WORLD_MODEL_LOSS_HISTORY,
        'std_msgs/msg/Float32MultiArray',
        'LATCHED',
        'the last training losses, oldest first',
    ),
    _model(names.WORLD_MODEL_CURRENT_FRAME, _IMAGE, 'VIEWS', 'newest frame as the model sees it'),
    _model(names.WORLD_MODEL_CANVAS, _IMAGE, 'VIEWS', 'frames and action bars side by side'),
    _model(names.WORLD_MODEL_CANVAS_MASKED, _IMAGE, 'VIEWS', 'the canvas with its hidden patches'),
    _model(names.WORLD_MODEL_INPAINTED, _IMAGE, 'VIEWS', 'the whole canvas as the model fills it'),
    _model(
        names.WORLD_MODEL_COMPOSITE,
        _IMAGE,
        'VIEWS',
        'the canvas with only its hidden patches filled in',
    ),
    _model(
        names.WORLD_MODEL_PREDICTED_IMAGE,
        _IMAGE,
        'PREDICTED_IMAGES',
        'predicted frame; stamp of the STARTED event',
    ),
    _model(names.WORLD_MODEL_ERROR_IMAGE, _IMAGE, 'VIEWS', 'prediction against what was seen'),
    _model(
        names.WORLD_MODEL_COUNTERFACTUALS,
        _IMAGE,
        'PREDICTED_IMAGES',
        'for each action its bar and predicted frame; stamp of the STARTED event',
    ),
    _model(
        names.WORLD_MODEL_ROLLOUT,
        _IMAGE,
        'VIEWS',
        'newest frame, then bar and frame of each imagined step',
    ),
    Topic(
        names.TRAINING_METRICS,
        _ours('msg', 'TrainingMetrics'),
        'RESULTS',
        names.TRAINING_NODE,
        'progress of a training from recordings',
    ),
    Topic(
        names.TRAINING_EVALUATION,
        _ours('msg', 'EvaluationSummary'),
        'LATCHED',
        names.TRAINING_NODE,
        'what a training or an evaluation measured at its end',
    ),
    Topic(
        names.DIAGNOSTICS,
        'diagnostic_msgs/msg/DiagnosticArray',
        'DIAGNOSTICS',
        'driver, world_model, recorder',
        'health of the nodes',
    ),
)

SERVICES: tuple[Service, ...] = (
    Service(
        names.EXECUTE_ACTION,
        _ours('srv', 'ExecuteAction'),
        names.DRIVER_NODE,
        'accepts or refuses an action at once',
    ),
    Service(names.DRIVER_STOP, _TRIGGER, names.DRIVER_NODE, 'abort the action in flight'),
    Service(
        names.DRIVER_RESET,
        _TRIGGER,
        names.DRIVER_NODE,
        'put the robot into a new state: RESET event, then a frame',
    ),
    Service(
        names.SELECTOR_SET_RUNNING,
        _SET_BOOL,
        names.SELECTOR_NODE,
        'let the selector go on or pause',
    ),
    Service(
        names.RECORDER_START,
        _ours('srv', 'StartRecording'),
        names.RECORDER_NODE,
        'record a session; answers when the topics are listened to',
    ),
    Service(names.RECORDER_STOP, _TRIGGER, names.RECORDER_NODE, 'close the bag'),
    _model_service(names.WORLD_MODEL_SET_LEARNING, _SET_BOOL, 'let the model learn or only watch'),
    _model_service(names.WORLD_MODEL_RESET_HISTORY, _TRIGGER, 'forget the frames seen so far'),
    _model_service(names.WORLD_MODEL_PREDICT, _ours('srv', 'Predict'), 'predict without acting'),
    _model_service(
        names.WORLD_MODEL_SAVE_CHECKPOINT, _ours('srv', 'SaveCheckpoint'), 'save the model'
    ),
    _model_service(
        names.WORLD_MODEL_LOAD_CHECKPOINT, _ours('srv', 'LoadCheckpoint'), 'load a saved model'
    ),
    _model_service(
        names.WORLD_MODEL_LIST_CHECKPOINTS,
        _ours('srv', 'ListCheckpoints'),
        'list the saved models',
    ),
    _model_service(
        names.WORLD_MODEL_COMPUTE_ATTENTION,
        _ours('srv', 'ComputeAttention'),
        'where the model looks',
    ),
    _training_service(
        names.TRAINING_START,
        _ours('srv', 'StartTraining'),
        'begin to train from recordings; answers at once',
    ),
    _training_service(
        names.TRAINING_START_EVALUATION,
        _ours('srv', 'StartEvaluation'),
        'begin to measure a model; answers at once',
    ),
    _training_service(names.TRAINING_STOP, _TRIGGER, 'end what runs after its current step'),
    _training_service(
        names.TRAINING_STATUS,
        _ours('srv', 'GetTrainingStatus'),
        'what runs, how far it is, and how the last job ended',
    ),
)

ACTIONS: tuple[Action, ...] = (
    Action(
        names.TRAINING_TRAIN,
        _ours('action', 'Train'),
        names.TRAINING_NODE,
        'train from recordings; one job at a time',
    ),
    Action(
        names.TRAINING_EVALUATE,
        _ours('action', 'Evaluate'),
        names.TRAINING_NODE,
        'measure a model on a recording; one job at a time',
    ),
)
