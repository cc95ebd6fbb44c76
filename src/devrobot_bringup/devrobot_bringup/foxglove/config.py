"""Settings of the Foxglove server; names shared with the C++ foxglove_bridge mean the same."""

from dataclasses import dataclass
import re

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param

LOOPBACK_ADDRESSES = ('127.0.0.1', 'localhost', '::1')


@dataclass(frozen=True, kw_only=True)
class FoxgloveConfig:
    """What is shown, to whom, and how patiently. Patterns must match a whole name."""

    address: str = param(
        '127.0.0.1', 'address to listen on; there is no password, so keep to the loopback'
    )
    port: int = param(8765, 'TCP port to listen on; 0 = a free one', minimum=0, maximum=65535)
    topic_whitelist: tuple[str, ...] = param(('.*',), 'regular expressions of the topics to show')
    service_whitelist: tuple[str, ...] = param(
        ('.*',), 'regular expressions of the services to offer'
    )
    param_whitelist: tuple[str, ...] = param(
        ('.*',), 'regular expressions of the parameters to show, named /node.parameter'
    )
    certfile: str = param(
        '', 'PEM file with the certificate; with `keyfile` only wss:// is served'
    )
    keyfile: str = param('', 'PEM file with the private key (PKCS#8) of `certfile`')
    message_backlog_size: int = param(
        16, 'messages kept for a slow viewer before the oldest is lost', minimum=8, maximum=1024
    )
    service_timeout: float = param(
        30.0, 'how long a service may take to answer [s]', minimum=0.1, maximum=3600.0
    )
    update_period: float = param(
        0.5, 'time between two looks at the ROS graph [s]', minimum=0.05, maximum=60.0
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        for name in ('topic_whitelist', 'service_whitelist', 'param_whitelist'):
            for pattern in getattr(self, name):
                _check_pattern(name, pattern)
        if bool(self.certfile) != bool(self.keyfile):
            raise ConfigError(
                f'certfile ({self.certfile!r}) and keyfile ({self.keyfile!r}) '
                'must be given together or not at all'
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can connect."""
        return self.address in LOOPBACK_ADDRESSES


def _check_pattern(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(f'{name}: {pattern!r} is not a regular expression: {error}') from error
