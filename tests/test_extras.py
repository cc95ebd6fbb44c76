"""Optional parts: what they bring is pinned, and tests left out say how to run them."""

from pathlib import Path
import re
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {path.stem: path for path in (ROOT / 'requirements' / 'extras').iterdir()}
MARK = re.compile(r"pytest\.mark\.extra\(\s*'([^']*)'")
PIN = re.compile(r'[A-Za-z0-9._-]+(\[[A-Za-z0-9,_-]+\])?==[^\s;]+(; .+)?')
TESTS = [
    path
    for folder in (ROOT / 'tests', *ROOT.glob('src/*/test'), *ROOT.glob('tools/*/tests'))
    for path in folder.rglob('test_*.py')
    if path != Path(__file__)
]


def marked() -> set[str]:
    return {name for path in TESTS for name in MARK.findall(path.read_text(encoding='utf-8'))}


def test_every_extra_has_tests_and_every_marked_test_has_its_extra():
    assert marked() == set(EXTRAS)


@pytest.mark.parametrize('name', EXTRAS)
def test_all_that_an_extra_brings_is_pinned(name):
    lines = EXTRAS[name].read_text(encoding='utf-8').splitlines()
    assert lines[0].startswith('# '), 'the first line says what the extra is for'
    wanted = [line for line in lines if line and line[0] not in '#-']
    assert wanted[0].partition('==')[0].partition('[')[0].replace('-', '_') == name
    assert [line for line in wanted if not PIN.fullmatch(line)] == []


def test_a_missing_package_leaves_its_tests_out_with_the_line_that_runs_them(tmp_path):
    done = run_marked(tmp_path, '-rs')
    assert done.returncode == 0, done.stdout
    assert '1 passed, 1 skipped' in done.stdout
    assert 'needs the extra no_such_part: ./devrobot test --extras no_such_part' in done.stdout


def test_with_the_switch_the_tests_of_the_extra_run_alone_and_are_not_left_out(tmp_path):
    done = run_marked(tmp_path, '--extra', 'no_such_part')
    assert done.returncode == 1
    assert '1 failed, 1 deselected' in done.stdout


def run_marked(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run two tests, one of an extra that is not there, with the conftest of the repository."""
    (folder / 'conftest.py').write_text((ROOT / 'conftest.py').read_text())
    (folder / 'pytest.ini').write_text('[pytest]\nmarkers = extra(name)\n')
    (folder / 'test_two.py').write_text(
        'import pytest\n\n\n'
        "@pytest.mark.extra('no_such_part')\n"
        'def test_with_it():\n    import no_such_part\n\n\n'
        'def test_without():\n    pass\n'
    )
    return subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *options, folder],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
