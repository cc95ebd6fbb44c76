"""Install launch files, configurations and nodes; the metadata is read from package.xml."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

HERE = Path(__file__).parent
MANIFEST = ElementTree.parse(HERE / 'package.xml').getroot()
NAME = MANIFEST.findtext('name')
MAINTAINER = MANIFEST.find('maintainer')


def shared_files(folder: str, pattern: str) -> list[tuple[str, list[str]]]:
    """Return the data_files entries for every file under ``folder`` that matches ``pattern``."""
    by_target: dict[str, list[str]] = {}
    for path in sorted((HERE / folder).rglob(pattern)):
        relative = path.relative_to(HERE)
        by_target.setdefault(f'share/{NAME}/{relative.parent}', []).append(str(relative))
    return sorted(by_target.items())


setup(
    name=NAME,
    version=MANIFEST.findtext('version'),
    description=MANIFEST.findtext('description'),
    license=MANIFEST.findtext('license'),
    maintainer=MAINTAINER.text,
    maintainer_email=MAINTAINER.get('email'),
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        *shared_files('launch', '*.launch.*'),
        *shared_files('config', '*.yaml'),
        *shared_files('foxglove', '*.json'),
    ],
    install_requires=['setuptools'],
    extras_require={'test': ['pytest']},
    zip_safe=True,
    entry_points={
        'console_scripts': [
            f'demo = {NAME}.programs:demo',
            f'foxglove_server = {NAME}.programs:foxglove_server',
            f'make_layout = {NAME}.programs:make_layout',
        ],
    },
)
