"""Tests of pages need a browser: without one they are skipped at home, and fail in CI."""

import pytest
from report_browser import open_browser


@pytest.mark.parametrize(
    ('ci', 'outcome'), [('', pytest.skip.Exception), ('true', pytest.fail.Exception)]
)
def test_without_a_browser_they_are_skipped_at_home_and_fail_in_ci(
    ci, outcome, tmp_path, monkeypatch
):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('PLAYWRIGHT_BROWSERS_PATH', str(tmp_path))
    monkeypatch.setenv('CI', ci)
    try:
        with open_browser():
            found: BaseException | None = None
    except (pytest.skip.Exception, pytest.fail.Exception) as error:
        found = error
    assert isinstance(found, outcome)
    assert 'there is no chromium: sudo apt-get install -y chromium' in str(found)
