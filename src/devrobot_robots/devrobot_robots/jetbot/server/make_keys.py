"""
Make the keys with which a JetBot's server and its owner's computer know each other.

Needs the program ``openssl``. Makes an authority of your own, whose key signs both certificates.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from typing import List, Optional, Sequence

ROBOT_FILES = ('ca.crt', 'server.crt', 'server.key')
OWNER_FILES = ('ca.crt', 'client.crt', 'client.key')
EXTENSIONS = 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage={}\n'


class KeyMakingError(RuntimeError):
    """The keys cannot be made."""


def make_keys(folder: str, days: int) -> None:
    """
    Make ``robot/`` and ``owner/`` with keys and certificates in a new folder, all or nothing.

    :raises KeyMakingError: if the folder exists, or openssl is missing or fails.
    """
    if os.path.exists(folder):
        raise KeyMakingError(f'{folder} exists already; nothing is overwritten')
    parent = os.path.dirname(os.path.abspath(folder))
    os.makedirs(parent, exist_ok=True)
    old_mask = os.umask(0o077)
    work = tempfile.mkdtemp(prefix='.keys_', dir=parent)
    try:
        _sign_itself(work, days)
        for name, usage in (('server', 'serverAuth'), ('client', 'clientAuth')):
            _sign(work, name, usage, days)
        for part, files in (('robot', ROBOT_FILES), ('owner', OWNER_FILES)):
            os.mkdir(os.path.join(work, part))
            for file in files:
                shutil.copy(os.path.join(work, file), os.path.join(work, part, file))
        for file in os.listdir(work):
            if os.path.isfile(os.path.join(work, file)):
                os.remove(os.path.join(work, file))
        os.rename(work, folder)
    finally:
        os.umask(old_mask)
        shutil.rmtree(work, ignore_errors=True)


def _sign_itself(work: str, days: int) -> None:
    _openssl(
        work, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
        '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-days', str(days),
        '-subj', '/CN=devrobot authority',
    )  # fmt: skip


def _sign(work: str, name: str, usage: str, days: int) -> None:
    with open(os.path.join(work, 'extensions'), 'w') as file:
        file.write(EXTENSIONS.format(usage))
    _openssl(
        work, 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
        '-keyout', name + '.key', '-out', name + '.csr', '-subj', '/CN=devrobot ' + name,
    )  # fmt: skip
    _openssl(
        work, 'x509', '-req', '-in', name + '.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key',
        '-CAcreateserial', '-out', name + '.crt', '-days', str(days), '-extfile', 'extensions',
    )  # fmt: skip


def _openssl(work: str, *arguments: str) -> None:
    command: List[str] = ['openssl'] + list(arguments)
    try:
        subprocess.run(
            command, cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        text = 'there is no program openssl: sudo apt install openssl'
        raise KeyMakingError(text) from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode('utf-8', 'replace').strip().splitlines()
        reason = lines[-1] if lines else 'failed'
        raise KeyMakingError(f'openssl {arguments[0]}: {reason}') from error


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        prog='jetbot_keys',
        description='Make keys for a JetBot and for the computer that drives it: FOLDER/robot '
        "goes to the robot, FOLDER/owner stays. The authority's own key is not kept.",
    )
    parser.add_argument('folder', metavar='FOLDER', help='a folder that does not exist yet')
    parser.add_argument('--days', type=int, default=3650, help='how long they are valid')
    return parser


def main(args: Optional[Sequence[str]] = None) -> int:
    """Make the keys; return the exit code."""
    options = build_parser().parse_args(args)
    try:
        if not 1 <= options.days <= 36500:
            raise KeyMakingError(f'--days is {options.days}, must be between 1 and 36500')
        make_keys(options.folder, options.days)
    except (KeyMakingError, OSError) as error:
        sys.stderr.write(f'jetbot_keys: {error}\n')
        return 1
    print('{}: for the robot'.format(os.path.join(options.folder, 'robot')))
    print('{}: for the driver, parameter robot.tls'.format(os.path.join(options.folder, 'owner')))
    return 0


if __name__ == '__main__':
    sys.exit(main())
