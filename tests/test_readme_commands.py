"""What the README shows must exist: commands, options, links."""

from pathlib import Path
import re
import subprocess

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
TEXT = (ROOT / 'README.md').read_text()
VERBS = sorted(set(re.findall(r'\./devrobot (\w+)', ' '.join(p.read_text() for p in PAGES))))
DEMO_OPTIONS = sorted(set(re.findall(r'\./devrobot demo[^`\n]*?(--[a-z-]+)', TEXT)))


def links(page: Path) -> list[str]:
    found = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', page.read_text())
    return [link for link in found if not link.startswith(('http', '../../actions'))]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    missing = [link for link in links(page) if not (page.parent / link).exists()]
    assert not missing


def test_every_verb_of_the_script_that_is_shown_exists():
    usage = subprocess.run(
        [ROOT / 'devrobot', '--help'], capture_output=True, text=True, check=True
    ).stdout
    assert VERBS
    assert [verb for verb in VERBS if not re.search(rf'^\s+{verb}\b', usage, re.M)] == []


def test_every_demo_option_that_is_shown_exists():
    from devrobot_bringup.demo.config import build_parser

    assert DEMO_OPTIONS
    assert [option for option in DEMO_OPTIONS if option not in build_parser().format_help()] == []


def test_every_launch_file_that_is_shown_exists():
    text = ' '.join(page.read_text() for page in PAGES)
    files = set(re.findall(r'ros2 launch (\w+) (\w+\.launch\.(?:py|xml))', text))
    assert files
    missing = [f for p, f in files if not (ROOT / 'src' / p / 'launch' / f).exists()]
    assert not missing


def test_every_service_type_that_is_shown_exists():
    text = ' '.join(page.read_text() for page in PAGES)
    types = set(re.findall(r'devrobot_interfaces/srv/(\w+)', text))
    assert types
    folder = ROOT / 'src' / 'devrobot_interfaces' / 'srv'
    assert [name for name in types if not (folder / f'{name}.srv').exists()] == []


def test_the_readme_stays_short_and_leaves_no_placeholder():
    assert len(TEXT.splitlines()) < 200
    for page in PAGES:
        assert not re.search(r'@[A-Z_]+@|TODO', page.read_text()), page.name
