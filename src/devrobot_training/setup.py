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
            f'analyze_logs = {NAME}.cli.analyze_logs:main',
            f'evaluate = {NAME}.cli.evaluate:main',
            f'filter_overlap = {NAME}.cli.filter_overlap:main',
            f'import_sessions = {NAME}.cli.import_sessions:main',
            f'make_splits = {NAME}.cli.make_splits:main',
            f'overfit = {NAME}.cli.overfit:main',
            f'report = {NAME}.cli.report:main',
            f'session_info = {NAME}.cli.session_info:main',
            f'split_session = {NAME}.cli.split_session:main',
            f'staged = {NAME}.cli.staged:main',
            f'train = {NAME}.cli.train:main',
            f'training_server = {NAME}.programs:training_server',
        ],
    },
)
