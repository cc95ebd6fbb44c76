"""The words of the report: one line for every measure that it shows."""

STAGES = {
    'transitions': 'of the training part; stages grow, so later ones see more of the session',
    'stopped': 'why the training of the chosen run ended',
    'best validation': 'lowest mean hybrid loss on the stage’s own validation part; lower is '
    'better',
    'original session': 'mean hybrid loss of the stage’s best weights on the session that all '
    'stages are compared on; the best of these is chosen',
    'against copying': 'how far that is below (−) or above (+) taking the last frame for the next',
    'baseline': 'the same stage trained from fresh weights, on the original session',
    'rate': 'learning rate at the end, after sweeps',
    'samples': 'training canvases seen in all trainings of the stage, its sweeps and baselines '
    'included',
    'time': 'what these trainings took, one after the other',
}
RUNS = {
    'best validation': 'lowest mean hybrid loss on the stage’s validation part; lower is better',
    'original session': 'mean hybrid loss of those weights on the original session',
    'rate': 'learning rate at the end',
}
SWEEP = {
    'score, median, mean or min': 'what the phase ranks by, of the best validation losses of its '
    'seeds; lower is better',
    'seed N': 'best validation loss of the trial with that seed',
}
BASELINE = {
    'staged': 'mean hybrid loss on the original session, weights handed on from stage to stage',
    'seen': 'training canvases that these weights have seen, in all stages and sweeps up to here',
    'fresh weights': 'the same, with every stage begun anew; best of its runs',
    'seen by those': 'training canvases of that run',
    'difference': 'negative: handing on the weights helped',
}
SAMPLES = 'training canvases seen in all trainings, sweeps and baselines included'
SPREAD = {
    'lowest, median, highest': 'best validation losses (hybrid) of the stage’s runs, which differ '
    'in their seed only',
}
TIMELINE = (
    'Hybrid losses of the chosen run of each stage, one after the other. Below the dashed line '
    'the model beats copying the last frame. Where a sweep begins (▼) the curves have a gap as '
    'long as its trials; they are told in the part about the stage.'
)
SESSION = 'Hybrid loss of the stage’s best weights for every transition of the original session.'
