"""A real browser that shows pages of files, and tells what a reader would see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import shutil
from typing import Any

import pytest

BROWSER = shutil.which('chromium') or shutil.which('chromium-browser')
FLAGS = (
    *('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'),
    *('--disable-background-networking', '--disable-component-update'),
)
DESKTOP, PHONE = (1280, 900), (390, 844)
CONTRAST = Path(__file__).with_name('contrast.js')


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start the browser of the system; the test is skipped where there is none."""
    playwright = pytest.importorskip('playwright.sync_api')
    if BROWSER is None:
        pytest.skip('there is no chromium: sudo apt-get install -y chromium')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


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
