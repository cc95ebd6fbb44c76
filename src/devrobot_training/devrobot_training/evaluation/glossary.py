"""The words of the page of an evaluation: one line for every measure."""

LOSSES = {
    'plain': 'mean squared error of the pixels, 0 to 1; lower is better',
    'focal': 'squared error weighted towards large errors, exp(5 e); lower is better',
    'hybrid': '0.1 plain + 0.9 focal, what the model is trained on; lower is better',
    'psnr': 'peak signal-to-noise ratio in dB; higher is better. Exact predictions (infinite) are '
    'left out of the mean; on nearly black worlds it lies',
    'exact': 'how many predictions have no error at all and are left out of the mean PSNR',
    'ssim': 'structural similarity, 1 for equal pictures; higher is better',
}
BASELINES = {
    '': 'model',
    '_copy_last': 'copy last frame',
    '_mean_frame': 'mean frame',
    '_grey': 'best grey',
    '_black': 'all black',
}
DOTS = {
    'within 2 px': 'share of predictions with the dot so near to where it came, around the edges; '
    'one without a dot counts as wrong',
    'median [px]': 'half of the dots are nearer; a dash if most predictions have no dot',
    'actions not taken': 'against where the simulator would have put the dot',
}
BY_ACTION = {
    'copy last': 'hybrid loss of the newest frame taken for the prediction',
    'wrong action': 'hybrid loss of the best prediction for an action not taken; much larger than '
    '“hybrid” if the model knows what the action does',
    'as the other one': 'within 2 px where this action was not taken',
}
DIVERGENCE = {
    'mean difference': 'over all pixels and predictions',
    'largest': 'of any pixel',
    'changed pixels': 'share of pixels that differ by more than the threshold',
}
ROLLOUTS = {
    'nothing changes': 'hybrid loss of the frame before the first step',
    'within 2 px': 'share of imagined frames with the dot so near to where it came',
    'median [px]': 'median distance of the dot; a dash if most have none',
}
SPREAD = {
    'deviation': 'standard deviation',
    '50 %': 'the median: half of the values are below it; so for the others',
    'dot error': 'distance of the dot in px. Predictions without a dot count as infinite in the '
    'percentiles, where a dash stands for infinite, and not in the mean',
}
TITLES = {
    'examples': 'What it sees',
    'loss': 'Loss over the session',
    'rollouts': 'Imagined futures',
    'rollout_error': 'How far it can imagine',
}
HINTS = {
    'examples': 'Six canvases spread over the session, then the three worst different ones, with '
    'the action and the hybrid loss. The bar behind a frame has the colour of the action taken '
    'there; the last frames are the predictions for each action.',
    'loss': 'Each dot is one prediction; the lines are predictions that need no model.',
    'rollouts': 'Each prediction is fed back as the newest frame; no real frame is seen after the '
    'start.',
    'rollout_error': 'Where the curve meets “nothing changes”, imagining is of no more use.',
}
ALT = {
    'examples': 'Rows of frames: history, what came, prediction, error, prediction per action',
    'loss': 'Loss over the session, and its histogram',
    'rollouts': 'Imagined frames above those that came, step by step',
    'rollout_error': 'Error by imagined step',
}
