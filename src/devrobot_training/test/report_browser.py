"""A real browser that shows pages of files, and tells what a reader would see."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import shutil
from typing import Any, NoReturn

import pytest

FLAGS = (
    *('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'),
    *('--disable-background-networking', '--disable-component-update'),
)
DESKTOP, PHONE = (1280, 900), (390, 844)
CONTRAST = Path(__file__).with_name('contrast.js')


@contextmanager
def open_browser() -> Iterator[Any]:
    """
    Start a browser: that of the system, or the one that Playwright has installed.

    Where there is none, the test is skipped; it fails where CI is set, as everybody's builds do:
    there nobody looks at the pages if the tests do not.
    """
    try:
        from playwright import sync_api
    except ImportError:
        _left_out('there is no playwright: ./devrobot setup --dev')
    with sync_api.sync_playwright() as driver:
        own = driver.chromium.executable_path
        found = shutil.which('chromium') or shutil.which('chromium-browser')
        if found is None and not Path(own).exists():
            _left_out('there is no chromium: sudo apt-get install -y chromium')
        browser = driver.chromium.launch(executable_path=found or own, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def _left_out(why: str) -> NoReturn:
    if os.environ.get('CI'):
        pytest.fail(f'{why} (in CI the tests of pages must run)')
    pytest.skip(why)


class Shown:
    """A page in the browser, with all that it asked for and complained about."""

    def __init__(
        self,
        browser: Any,
        path: Path,
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: str = 'light',
        scripts: bool = True,
    ) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        width, height = size
        self.context = browser.new_context(
            viewport={'width': width, 'height': height},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        self.page = self.context.new_page()
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.page.on('console', self._complaint)
        self.page.route('**/*', self._asked)
        self.page.goto(path.as_uri())

    def close(self) -> None:
        """Close the page."""
        self.context.close()

    def outside(self, own: Path) -> list[str]:
        """Return what was asked for besides the page itself and what is inside it."""
        return [url for url in self.requests if url != own.as_uri() and url[:5] != 'data:']

    def low_contrast(self) -> list[str]:
        """Return the texts whose contrast is below what WCAG AA asks for."""
        return list(self.page.evaluate(CONTRAST.read_text(encoding='utf-8')))

    def box(self, selector: str) -> dict[str, float]:
        """Return where an element is drawn: x, y, width, height."""
        found = self.page.locator(selector).first.bounding_box()
        assert found is not None, f'{selector} is not drawn'
        return dict(found)

    def _asked(self, route: Any) -> None:
        self.requests.append(route.request.url)
        route.continue_()

    def _complaint(self, message: Any) -> None:
        if message.type in ('error', 'warning'):
            self.errors.append(message.text)
