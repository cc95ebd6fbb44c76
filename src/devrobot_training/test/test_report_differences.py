"""Settings are compared as data, with the defaults and with a real repository."""

from dataclasses import dataclass
from pathlib import Path
import shutil
import subprocess

from devrobot_interfaces_py.configs import param
from devrobot_training.report.differences import against_commit, against_defaults
from devrobot_training.report.provenance import software_commit, versions
from devrobot_training.report.summary import Difference
import pytest

NEEDS_GIT = pytest.mark.skipif(shutil.which('git') is None, reason='git is not installed')


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = param(0.1, 'rate')


@dataclass(frozen=True, kw_only=True)
class Settings:
    inner: Inner = Inner()
    seed: int = param(0, 'seed')
    name: str = param('', 'name')


def git(folder: Path, *words: str) -> None:
    who = ('-c', 'user.name=x', '-c', 'user.email=x@x')
    subprocess.run(['git', '-C', str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path) -> Path:
    git(tmp_path, 'init', '--quiet')
    (tmp_path / 'a.yaml').write_text('inner: {rate: 0.5}\nseed: 3\n')
    git(tmp_path, 'add', '.')
    git(tmp_path, 'commit', '--quiet', '-m', 'x')
    return tmp_path


def test_only_what_is_not_the_default_differs_from_the_defaults():
    assert against_defaults(Settings()) == ()
    assert against_defaults(Settings(inner=Inner(rate=0.2), name='x')) == (
        Difference(name='inner.rate', value='0.2', other='0.1'),
        Difference(name='name', value='x', other="''"),
    )


def test_another_base_can_be_the_default():
    assert against_defaults(Settings(seed=4), Settings(seed=4)) == ()


@NEEDS_GIT
def test_what_was_used_is_compared_with_what_was_committed(repository):
    used = Settings(inner=Inner(rate=0.5), seed=4)
    (repository / 'a.yaml').write_text('seed: 77\n')  # what lies there now does not matter
    found, why = against_commit(used, repository / 'a.yaml')
    assert (found, why) == ((Difference(name='seed', value='4', other='3'),), '')


@NEEDS_GIT
def test_a_link_into_the_repository_is_followed(repository, tmp_path_factory):
    link = tmp_path_factory.mktemp('installed') / 'b.yaml'
    link.symlink_to(repository / 'a.yaml')
    assert against_commit(Settings(inner=Inner(rate=0.5), seed=3), link) == ((), '')


@NEEDS_GIT
def test_a_committed_file_is_never_executed(repository):
    target = repository / 'executed'
    (repository / 'a.yaml').write_text(f'!!python/object/apply:os.mkdir ["{target}"]')
    (repository / '.gitattributes').write_text('*.yaml diff=evil filter=evil\n')
    git(repository, 'config', 'diff.evil.textconv', f'touch {target};cat')
    git(repository, 'config', 'core.fsmonitor', f'touch {target}')
    git(repository, '-c', 'core.fsmonitor=false', 'add', '.')
    git(repository, '-c', 'core.fsmonitor=false', 'commit', '--quiet', '-m', 'evil')
    found, why = against_commit(Settings(), repository / 'a.yaml')
    assert found is None and 'is not readable by this release' in why
    assert software_commit(repository / 'a.yaml')[1] is False
    assert not target.exists()


@NEEDS_GIT
@pytest.mark.parametrize('change', ['untracked', 'no repository', 'no commit'])
def test_without_a_commit_it_says_so(change, tmp_path):
    folder = tmp_path
    if change != 'no repository':
        git(folder, 'init', '--quiet')
    if change == 'untracked':
        git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'x')
    path = folder / 'a.yaml'
    path.write_text('seed: 1\n')
    found, why = against_commit(Settings(), path)
    assert found is None and why.startswith('a.yaml cannot be compared with a commit: ')
    assert '\n' not in why
    assert ('no git repository' in why) == (change == 'no repository')
    assert software_commit(path)[:2] == (None, None)


def test_without_a_file_or_git_it_says_so(tmp_path, monkeypatch):
    assert against_commit(Settings(), None)[1].startswith('no settings file was given')
    monkeypatch.setenv('PATH', str(tmp_path))
    (tmp_path / 'a.yaml').write_text('')
    found, why = against_commit(Settings(), tmp_path / 'a.yaml')
    assert found is None and why.endswith('git is not installed')


@NEEDS_GIT
def test_commit_and_changes_of_the_software_are_told(repository):
    commit, dirty, why = software_commit(repository / 'a.yaml')
    assert len(commit) == 12 and dirty is False and why == ''
    (repository / 'new').write_text('untracked files do not count')
    assert software_commit(repository / 'a.yaml')[1] is False
    (repository / 'a.yaml').write_text('seed: 9\n')
    assert software_commit(repository / 'a.yaml')[1] is True


def test_versions_name_what_decides_the_result():
    found = versions()
    assert {'python', 'torch', 'numpy', 'ROS', 'system'} <= set(found)
    assert all(found.values())
