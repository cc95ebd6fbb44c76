"""What happens when the address of the server's network interface changes, as DHCP may do."""

from contextlib import suppress
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys

from jetbot_worlds import wait
import pytest

# A network of its own, in which lo has another address than in the one outside.
OWN_NETWORK = ['unshare', '--user', '--map-root-user', '--net', '--', 'sh', '-c']
CHANGE = """
set -e
ip link set lo up
"$@" &
server=$!
while [ ! -e port ]; do sleep 0.05; done
ip address delete 127.0.0.1/8 dev lo
touch lost
sleep 2.5
kill -0 $server
touch waited
ip address add 127.0.0.9/8 dev lo
set +e
wait $server
echo $? > code.tmp
mv code.tmp code
"""


def test_a_server_whose_interface_has_another_address_ends_to_be_started_again(tmp_path):
    tools = all(shutil.which(name) for name in ('unshare', 'ip'))
    if not tools or subprocess.run([*OWN_NETWORK, 'ip link set lo up'], check=False).returncode:
        pytest.skip('no network can be made here')
    (tmp_path / 'jpeg').write_bytes(b'')
    server = [
        sys.executable, '-m', 'devrobot_robots.jetbot.server', '--interface', 'lo',
        '--port', '0', '--port-file', 'port', '--hardware', 'jetbot_plain_hardware',
        '--hardware-option', '.',
    ]  # fmt: skip
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    with (tmp_path / 'log').open('wb') as log:
        process = subprocess.Popen(
            [*OWN_NETWORK, CHANGE, 'sh', *server],
            cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': path},
            stderr=log,
            start_new_session=True,
        )
    try:
        wait(lambda: (tmp_path / 'code').exists() or process.poll() is not None, 'the end')
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    said = (tmp_path / 'log').read_text()
    # Without an address it is waited for: the old one may come back, and connections live on.
    assert (tmp_path / 'waited').exists(), said
    assert (tmp_path / 'code').read_text() == '1\n'
    assert 'lo has another address than 127.0.0.1' in said
    assert (tmp_path / 'motors').read_text() == '0.0 0.0'
