"""Names of topics, services and nodes, relative to the namespace of a robot."""

IMAGE_RAW = 'image_raw'
COMPRESSED_SUFFIX = '/compressed'
CAMERA_INFO = 'camera_info'
ACTION_SPACE = 'action_space'
ACTION_EVENTS = 'action_events'
SESSION_INFO = 'session_info'
EXECUTE_ACTION = 'execute_action'
CMD_VEL = 'cmd_vel'

DRIVER_NODE = 'driver'
SELECTOR_NODE = 'selector'
WORLD_MODEL_NODE = 'world_model'
FOXGLOVE_NODE = 'foxglove_server'
RECORDER_NODE = 'recorder'
TRAINING_NODE = 'training'

DRIVER_STOP = 'driver/stop'
DRIVER_RESET = 'driver/reset'
SELECTOR_SET_RUNNING = 'selector/set_running'
RECORDER_START = 'recorder/start_recording'
RECORDER_STOP = 'recorder/stop_recording'

WORLD_MODEL_PREDICTION = 'world_model/prediction'
WORLD_MODEL_PREDICTION_ERROR = 'world_model/prediction_error'
WORLD_MODEL_TRAINING_METRICS = 'world_model/training_metrics'

WORLD_MODEL_CANVAS = 'world_model/canvas'
WORLD_MODEL_CANVAS_MASKED = 'world_model/canvas_masked'
WORLD_MODEL_INPAINTED = 'world_model/inpainted'
WORLD_MODEL_COMPOSITE = 'world_model/composite'
WORLD_MODEL_CURRENT_FRAME = 'world_model/current_frame'
WORLD_MODEL_PREDICTED_IMAGE = 'world_model/predicted_image'
WORLD_MODEL_ERROR_IMAGE = 'world_model/error_image'
WORLD_MODEL_COUNTERFACTUALS = 'world_model/counterfactuals'
WORLD_MODEL_ROLLOUT = 'world_model/rollout'

WORLD_MODEL_ITERATION_TIME = 'world_model/iteration_time'
WORLD_MODEL_LEARNING_RATE = 'world_model/learning_rate'
WORLD_MODEL_LOSS = 'world_model/loss'
WORLD_MODEL_LOSS_HISTORY = 'world_model/loss_history'

WORLD_MODEL_SET_LEARNING = 'world_model/set_learning'
WORLD_MODEL_RESET_HISTORY = 'world_model/reset_history'
WORLD_MODEL_PREDICT = 'world_model/predict'
WORLD_MODEL_SAVE_CHECKPOINT = 'world_model/save_checkpoint'
WORLD_MODEL_LOAD_CHECKPOINT = 'world_model/load_checkpoint'
WORLD_MODEL_LIST_CHECKPOINTS = 'world_model/list_checkpoints'
WORLD_MODEL_COMPUTE_ATTENTION = 'world_model/compute_attention'

TRAINING_TRAIN = 'training/train'
TRAINING_EVALUATE = 'training/evaluate'
TRAINING_START = 'training/start'
TRAINING_START_EVALUATION = 'training/start_evaluation'
TRAINING_STOP = 'training/stop'
TRAINING_STATUS = 'training/status'
TRAINING_METRICS = 'training/metrics'
TRAINING_EVALUATION = 'training/evaluation'

DIAGNOSTICS = '/diagnostics'


def camera_topic(camera_name: str) -> str:
    """Return the image topic of a camera; the single camera of a robot has no name."""
    return f'{camera_name}/{IMAGE_RAW}' if camera_name else IMAGE_RAW


def private(name: str) -> str:
    """Return ``~/prediction`` for ``world_model/prediction``: the name as its own node says it."""
    return f'~/{name.partition("/")[2]}'
