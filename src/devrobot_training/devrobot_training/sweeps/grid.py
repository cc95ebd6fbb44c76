"""The learning rates and seeds that a sweep tries."""

import hashlib

from devrobot_training.sweeps.config import SweepConfig
import numpy as np

DIGITS = 3


def learning_rates(config: SweepConfig) -> tuple[float, ...]:
    """
    Return the rates of phase A, lowest first: evenly spaced logarithms, 3 significant digits.

    Rates that rounding makes equal are one.
    """
    lowest, highest = np.log10([config.lowest_rate, config.highest_rate])
    exponents = np.linspace(lowest, highest, config.candidates)
    if config.candidates == 1:
        exponents = np.array([(lowest + highest) / 2])
    exact = (10.0**exponents).tolist()
    return tuple(dict.fromkeys(float(f'{rate:.{DIGITS}g}') for rate in exact))


def derive_seed(seed: int, *names: object) -> int:
    """
    Return the seed of a part of a run: the same for the same names, unrelated for others.

    It is a digest, so that a part has its seed whatever was done before it.
    """
    text = '/'.join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') % 2**31
