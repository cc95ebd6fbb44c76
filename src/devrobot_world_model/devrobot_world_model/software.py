"""Which software this is; the version has one source, package.xml."""

from importlib import metadata

DISTRIBUTION = 'devrobot_world_model'


def software_version() -> str:
    """Return ``devrobot_world_model <version>``, or ``unknown`` when run without installation."""
    try:
        return f'{DISTRIBUTION} {metadata.version(DISTRIBUTION)}'
    except metadata.PackageNotFoundError:
        return f'{DISTRIBUTION} unknown'
