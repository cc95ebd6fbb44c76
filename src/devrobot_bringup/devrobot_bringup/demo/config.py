"""What can be chosen on the demo's command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path

MAX_PORT = 65535
PRESETS = ('tiny', 'base', 'reference')
DOT, JETBOT = 'toroidal-dot', 'jetbot-sim'
ROBOTS = (DOT, JETBOT)


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """Options of one run."""

    robot: str = DOT
    minutes: float = 3.0
    seed: int = 0
    preset: str = 'tiny'
    foxglove: bool = True
    foxglove_port: int = 8765
    record: bool = False
    output: Path | None = None
    summary: Path | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.minutes <= 24 * 60:
            raise ValueError(f'--minutes is {self.minutes}, must be above 0 and at most 1440')
        if not 0 <= self.seed < 2**31:
            raise ValueError(f'--seed is {self.seed}, must be between 0 and 2147483647')
        if not 1 <= self.foxglove_port <= MAX_PORT:
            raise ValueError(
                f'--foxglove-port is {self.foxglove_port}, must be between 1 and {MAX_PORT}'
            )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the demo's options."""
    defaults = DemoConfig()
    parser = argparse.ArgumentParser(
        prog='devrobot demo',
        description='A simulated robot acts over ROS 2; a world model learns, from random '
        'weights, to predict what it will see. Ends with a picture and a summary.',
        epilog='example: ./devrobot demo --minutes 3 --seed 1 --summary out.json',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        '--robot',
        default=defaults.robot,
        choices=ROBOTS,
        help='who acts: a dot on a torus, or a simulated JetBot in a room',
    )
    parser.add_argument(
        '--minutes', type=float, default=defaults.minutes, help='how long the robot acts'
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=defaults.seed,
        help='seed of the weights, the actions and the places',
    )
    parser.add_argument(
        '--preset',
        default=defaults.preset,
        choices=PRESETS,
        help='tiny: 64x64 px for a laptop; base: full 224x224 px frames, wants '
        '20 minutes; reference: batch 1 without replay',
    )
    parser.add_argument('--no-foxglove', action='store_true', help='start no Foxglove server')
    parser.add_argument(
        '--foxglove-port',
        type=int,
        default=defaults.foxglove_port,
        help='port of the Foxglove server; the next free one if it is taken',
    )
    parser.add_argument(
        '--record',
        action='store_true',
        help='keep the run as a session, a bag in saved/sessions',
    )
    parser.add_argument(
        '--output',
        type=Path,
        metavar='FOLDER',
        help='where picture and summary go (default: saved/demo/<time>)',
    )
    parser.add_argument(
        '--summary', '--json', type=Path, metavar='FILE', help='write the summary to FILE, too'
    )
    return parser


def config_from_args(arguments: argparse.Namespace) -> DemoConfig:
    """Return the options that were parsed."""
    return DemoConfig(
        robot=arguments.robot,
        minutes=arguments.minutes,
        seed=arguments.seed,
        preset=arguments.preset,
        foxglove=not arguments.no_foxglove,
        foxglove_port=arguments.foxglove_port,
        record=arguments.record,
        output=arguments.output,
        summary=arguments.summary,
    )
