"""Generated documents match their sources."""

from pathlib import Path

from devrobot_interfaces_py import docs

ROOT = Path(__file__).resolve().parents[1]


def test_interface_documents_are_up_to_date():
    stale = docs.stale_files(ROOT / 'src' / 'devrobot_interfaces')
    names = [str(path.relative_to(ROOT)) for path in stale]
    assert not names, f'stale: {names}; run ./devrobot shell -c "{docs.COMMAND}"'
