from dataclasses import replace
import math

from devrobot_world_model.config import OptimizerConfig
from devrobot_world_model.learning.optimizer import parameter_groups
from devrobot_world_model.learning.schedule import learning_rate
from devrobot_world_model.learning.step import Learner, NonFiniteLossError
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.model.patches import patchify
from dot_world import dot, TINY, tiny
import pytest
import torch


def world_batch(size=8):
    """Dots that move right (green) or stay (red): a world of a few frames."""
    frames, colors = [], []
    for index in range(size):
        x, y, action = 4 * (index % 5), 4 * (index % 3), index % 2
        xs = [x, x + 4 * action, x + 8 * action]
        frames.append(torch.stack([torch.from_numpy(dot(v, y)) for v in xs]))
        colors.append([[0, 255, 0] if action else [255, 0, 0]] * 2)
    return Batch(
        frames=patchify(torch.stack(frames), 4), colors=torch.tensor(colors, dtype=torch.uint8)
    )


def make_learner(config=TINY):
    return Learner(
        build_model(config),
        loss=config.loss,
        optimizer=config.optimizer,
        generator=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize('kind', ['encoder_decoder', 'decoder_only'])
def test_the_loss_falls_on_a_world_of_a_few_frames(kind):
    learner = make_learner(tiny(model=replace(TINY.model, kind=kind)))
    batch = world_batch()
    losses = [float(learner.train_step(batch).loss) for _ in range(120)]
    assert losses[-1] < 0.3 * losses[0]
    assert (learner.step, learner.samples_seen) == (120, 120 * len(batch))


def test_equal_seeds_make_equal_losses():
    runs = [
        [float(learner.train_step(world_batch()).loss) for _ in range(5)]
        for learner in (make_learner(), make_learner())
    ]
    assert runs[0] == runs[1]


def test_a_random_mask_ratio_trains_too():
    config = tiny(loss=replace(TINY.loss, mask_ratio_min=0.3, mask_ratio_max=0.9))
    learner = make_learner(config)
    losses = [float(learner.train_step(world_batch()).loss) for _ in range(60)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_a_loss_that_is_not_finite_leaves_the_weights_as_they_were():
    learner = make_learner()
    with torch.no_grad():
        learner.model.slot_code[0, 0] = math.nan
    before = {k: v.clone() for k, v in learner.model.state_dict().items()}
    with pytest.raises(NonFiniteLossError, match='at step 0'):
        learner.train_step(world_batch())
    after = learner.model.state_dict()
    assert all(torch.equal(before[k].nan_to_num(), after[k].nan_to_num()) for k in before)
    assert learner.step == 0


def test_only_matrices_decay():
    model = build_model(TINY)
    decayed, plain = parameter_groups(model, 0.01)
    names = {id(p): name for name, p in model.named_parameters()}
    assert decayed['weight_decay'] == 0.01 and plain['weight_decay'] == 0.0
    plain_names = {names[id(p)] for p in plain['params']}
    assert {'mask_token', 'slot_code', 'encoder.norm.weight', 'decoder.head.bias'} <= plain_names
    assert 'encoder.blocks.0.attn.qkv.weight' in {names[id(p)] for p in decayed['params']}
    assert len(decayed['params']) + len(plain['params']) == len(names)


def test_the_rate_warms_up_and_follows_the_cosine_to_a_thousandth():
    config = OptimizerConfig(
        learning_rate=2e-4, warmup_steps=10, schedule='cosine', total_steps=110
    )
    rates = [learning_rate(step, config) for step in (0, 4, 9, 10, 60, 110, 500)]
    expected = [2e-5, 1e-4, 2e-4, 2e-4, 2e-4 * (1 + 0.001) / 2, 2e-7, 2e-7]
    assert rates == pytest.approx(expected)


def test_the_constant_schedule_stays_after_its_warm_up():
    config = OptimizerConfig(learning_rate=1e-3, warmup_steps=0)
    assert [learning_rate(step, config) for step in (0, 10**6)] == [1e-3, 1e-3]
