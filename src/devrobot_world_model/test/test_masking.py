from devrobot_world_model.model.masking import last_slot_mask
import torch


def test_the_full_ratio_needs_no_mask():
    assert last_slot_mask(3, 10) is None


def test_ratios_are_drawn_per_sample_within_their_range():
    generator = torch.Generator().manual_seed(0)
    mask = last_slot_mask(64, 20, ratio_min=0.25, ratio_max=0.75, generator=generator)
    counts = mask.sum(dim=1)
    assert counts.min() >= 5 and counts.max() <= 15
    assert len(counts.unique()) > 3


def test_at_least_one_patch_is_hidden():
    generator = torch.Generator().manual_seed(0)
    mask = last_slot_mask(16, 4, ratio_min=0.05, ratio_max=0.05, generator=generator)
    assert mask.sum(dim=1).tolist() == [1] * 16


def test_equal_generators_give_equal_masks():
    masks = [
        last_slot_mask(4, 9, ratio_min=0.3, generator=torch.Generator().manual_seed(7))
        for _ in range(2)
    ]
    assert torch.equal(*masks)
