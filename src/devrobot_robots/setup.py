"""Install the robots; everything but the entry points is read from package.xml."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

MANIFEST = ElementTree.parse(Path(__file__).parent / 'package.xml').getroot()
NAME = MANIFEST.findtext('name')
MAINTAINER = MANIFEST.find('maintainer')

setup(
    name=NAME,
    version=MANIFEST.findtext('version'),
    description=MANIFEST.findtext('description'),
    license=MANIFEST.findtext('license'),
    maintainer=MAINTAINER.text,
    maintainer_email=MAINTAINER.get('email'),
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    # The folder that is copied to a JetBot is complete where it is installed, too.
    package_data={f'{NAME}.jetbot.server': ['*.md', '*.service', '*.sh', '*.txt']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
    ],
    install_requires=['rpyc>=5.0.1,<6', 'setuptools'],
    extras_require={'test': ['pytest']},
    zip_safe=True,
    entry_points={
        'console_scripts': [
            f'driver = {NAME}.programs:driver',
            f'jetbot_keys = {NAME}.programs:jetbot_keys',
            f'jetbot_sim = {NAME}.programs:jetbot_sim',
            f'live_view = {NAME}.programs:live_view',
            f'record_toroidal = {NAME}.programs:record_toroidal',
            f'recorder = {NAME}.programs:recorder',
            f'replay = {NAME}.programs:replay',
            f'selector = {NAME}.programs:selector',
        ],
        'devrobot.robots': [
            f'jetbot = {NAME}.jetbot.robot:JetBotRobot',
            f'toroidal_dot = {NAME}.toroidal_dot.robot:ToroidalDotRobot',
        ],
    },
)
