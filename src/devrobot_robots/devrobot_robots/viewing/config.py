"""Settings of the live view."""

from __future__ import annotations

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, param

TERMINAL, BROWSER = 'terminal', 'browser'


@dataclass(frozen=True, kw_only=True)
class LiveViewConfig:
    """What is shown, and where."""

    topic: str = param('image_raw', 'the image topic, as it is in the namespace of this node')
    compressed: bool = param(
        False, 'take the compressed topic beside it: less to send over a network'
    )
    show: str = param(
        TERMINAL,
        'where: in this terminal, or in a browser window (or tab)',
        choices=(TERMINAL, BROWSER),
    )
    columns: int = param(0, 'width in the terminal; 0 = as wide as it is', minimum=0, maximum=1000)
    port: int = param(
        0,
        'TCP port for the browser, on this computer only; 0 = a free one',
        minimum=0,
        maximum=65535,
    )
    max_rate: float = param(10.0, 'most pictures a second', minimum=0.1, maximum=120.0)

    def __post_init__(self) -> None:
        """Check each value."""
        check_ranges(self)
