"""Install the training package; all but the entry points is read from package.xml."""

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
    package_data={NAME: ['*/*.css', '*/*.js', '*/configs/*.yaml', '*/templates/*.html']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
    ],
    install_requires=['setuptools'],
    extras_require={'test': ['pytest']},
    zip_safe=True,
    entry_points={
        'console_scripts': [
            f'analyze_logs = {NAME}.programs:analyze_logs',
            f'evaluate = {NAME}.programs:evaluate',
            f'filter_overlap = {NAME}.programs:filter_overlap',
            f'import_sessions = {NAME}.programs:import_sessions',
            f'make_splits = {NAME}.programs:make_splits',
            f'overfit = {NAME}.programs:overfit',
            f'report = {NAME}.programs:report',
            f'session_info = {NAME}.programs:session_info',
            f'split_session = {NAME}.programs:split_session',
            f'staged = {NAME}.programs:staged',
            f'train = {NAME}.programs:train',
            f'training_server = {NAME}.programs:training_server',
        ],
    },
)
