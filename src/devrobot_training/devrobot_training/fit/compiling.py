"""Whether a model is compiled."""

import os
import shutil

from devrobot_interfaces_py.configs import ConfigError

COMPILERS = ('g++', 'clang++', 'c++')


def compiles(wanted: str, device: str) -> bool:
    """
    Return whether ``fit.compile`` means that on a kind of device.

    :raises ConfigError: if it is asked for, and there is nothing to compile with.
    """
    # Triton, on a GPU, compiles as well: the part that starts its kernels is C.
    able = any(map(shutil.which, COMPILERS)) or bool(os.environ.get('CXX'))
    if wanted == 'always' and not able:
        raise ConfigError(
            'fit.compile is always, but there is no C++ compiler: install g++, or use '
            '--fit.compile never'
        )
    return able and (wanted == 'always' or (wanted == 'auto' and device == 'cuda'))
