"""The report as a reader sees it, in a real browser: wide and narrow, light and dark."""

from pathlib import Path

from devrobot_training.report.summary import save_summary
from devrobot_training.report.writing import write_comparison, write_report
import pytest
from report_browser import DESKTOP, open_browser, PHONE, Shown
import report_worlds as worlds

KINDS = ('full', 'partial', 'failed', 'empty')
SECTIONS = (
    *('alerts', 'stages', 'sees', 'timeline', 'details', 'baseline', 'spread', 'best-model'),
    *('attention', 'events', 'reproduce'),
)
SECTIONS_OF = {
    'full': SECTIONS,
    'failed': SECTIONS,
    'stage': (
        *('stage-2-detail', 'stage-2-runs', 'sweep-2-2-1', 'stage-2-examples', 'stage-2-worst'),
        *('stage-2-events', 'losses', 'dots', 'by_action', 'divergence'),
    ),
    'baseline': ('baseline', 'runs', 'sweeps', 'sees'),
    'comparison': ('runs', 'curves', 'sees', 'settings'),
}
# Charts and pictures that stand in a section: six canvases and the three worst ones, each with
# history, truth, predictions and error; the charts of the stage that is unfolded.
DRAWN_IN = {
    'full': {'sees': 6 * 7 + 3 * 4, 'timeline': 1, 'details': 4, 'spread': 1, 'attention': 1},
    'failed': {'sees': 6 * 4 + 3 * 4, 'timeline': 1},
    'stage': {
        **{'stage-2-detail': 6, 'sweep-2-2-1': 1, 'stage-2-examples': 6 * 4},
        'stage-2-worst': 3 * 4,
    },
    'baseline': {'runs': 2, 'sweeps': 1, 'sees': 6 * 5},
    'comparison': {'curves': 2, 'sees': 6 * 4},
}
PAPER = {'light': [255, 255, 255], 'dark': [20, 23, 27]}
VIEWS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ('light', 'dark')]
VIEW_NAMES = [f'{size[0]}-{scheme}' for size, scheme in VIEWS]


# Cells of tables in which a long text has so little room that it becomes a tower.
SQUEEZED = """[...document.querySelectorAll('td')]
  .filter((cell) => cell.innerText.length > 60 && cell.getBoundingClientRect().width < 150)
  .map((cell) => cell.innerText)"""


@pytest.fixture(scope='module')
def browser():
    with open_browser() as found:
        yield found


@pytest.fixture(scope='module')
def pages(tmp_path_factory) -> dict[str, Path]:
    """The pages of runs that went well, badly, or not yet far."""
    root = tmp_path_factory.mktemp('runs')
    found = {}
    for name in KINDS:
        folder = root / name
        folder.mkdir()
        save_summary(worlds.EMPTY if name == 'empty' else getattr(worlds, name)(folder), folder)
        found[name] = write_report(folder)
    stage = root / 'full/stages/stage_02'
    found |= {'stage': stage / 'report.html', 'baseline': stage / 'baseline.html'}
    found['comparison'] = root / 'comparison.html'
    write_comparison([root / name for name in KINDS], found['comparison'])
    return found


@pytest.fixture
def show(browser, pages):
    """A function that opens a page; all are closed in the end."""
    opened = []

    def show(name: str, **options) -> Shown:
        opened.append(Shown(browser, pages[name], **options))
        return opened[-1]

    yield show
    for page in opened:
        page.close()


@pytest.mark.parametrize(('size', 'scheme'), VIEWS, ids=VIEW_NAMES)
@pytest.mark.parametrize('name', [*KINDS, 'stage', 'baseline', 'comparison'])
def test_nothing_is_asked_for_overflows_or_is_hard_to_read(
    name, size, scheme, show, pages, tmp_path
):
    shown = show(name, size=size, scheme=scheme)
    assert shown.outside(pages[name]) == [] and shown.errors == []
    width, room = shown.page.evaluate(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]'
    )
    assert width <= room, 'the page is wider than the screen'
    assert shown.low_contrast() == []
    assert shown.page.evaluate(SQUEEZED) == []
    broken = shown.page.evaluate(
        '[...document.images].filter((i) => !i.complete || !i.naturalWidth).map((i) => i.alt)'
    )
    assert broken == []


@pytest.mark.parametrize(('size', 'scheme'), VIEWS, ids=VIEW_NAMES)
@pytest.mark.parametrize('name', SECTIONS_OF)
def test_every_section_can_be_photographed_and_shows_something(name, size, scheme, show, tmp_path):
    shown = show(name, size=size, scheme=scheme)
    sections = SECTIONS_OF[name]
    tops = [shown.box(f'#{section}')['y'] for section in sections]
    assert tops == sorted(tops), 'the order of the page'
    end = shown.page.evaluate('document.documentElement.scrollHeight')
    drawn = shown.page.evaluate(DRAWN)
    for section, top, bottom in zip(sections, tops, [*tops[1:], end], strict=True):
        assert bottom - top > 60, f'{section} is empty'
        found = sum(top <= y < bottom for y in drawn)
        assert found >= DRAWN_IN[name].get(section, 0), f'{section} lacks pictures'
        picture = tmp_path / f'{section}.png'
        area = {'x': 0, 'y': top, 'width': size[0], 'height': min(bottom - top, 3000)}
        shown.page.screenshot(path=picture, full_page=True, clip=area)
        colours, margin = shown.page.evaluate(COLOURS, picture.read_bytes().hex())
        assert colours > 20, f'{section} is a plain area'
        assert margin == PAPER[scheme], f'the paper of {section}'


# Where the charts and pictures begin that are to be seen.
DRAWN = """[...document.querySelectorAll('svg.chart, main img')]
  .map((drawn) => drawn.getBoundingClientRect())
  .filter((box) => box.width > 40 && box.height > 40).map((box) => box.top + scrollY)"""

# How many colours a picture has, and that of its margin; drawn by the browser, so that no library
# is needed for it.
COLOURS = """async (hex) => {
  const bytes = new Uint8Array(hex.match(/../g).map((two) => parseInt(two, 16)));
  const image = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const data = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  const margin = canvas.getImageData(2, image.height >> 1, 1, 1).data;
  return [new Set(data).size, [...margin.slice(0, 3)]];
}"""


def test_one_screen_has_the_answer(show):
    for size in (DESKTOP, PHONE):
        shown = show('full', size=size)
        for part in ('.badge', 'h1', '.verdict', '.tiles > :nth-child(4)', '.answer svg.chart'):
            box = shown.box(part)
            assert box['y'] + box['height'] <= size[1], f'{part} is below the first screen'
    shown = show('failed')
    assert shown.box('.alerts .error')['y'] < DESKTOP[1]


# The size in px in which the letters of every chart that is shown are drawn.
SIZES = """[...document.querySelectorAll('svg.chart text')]
  .filter((text) => text.getClientRects().length)
  .map((t) => parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getScreenCTM().a)
"""


@pytest.mark.parametrize('size', [DESKTOP, PHONE], ids=['desktop', 'phone'])
def test_it_can_be_read_without_scripts(size, show):
    shown = show('full', size=size, scripts=False)
    text = shown.page.inner_text('body')
    for words in (
        'Stage 4 of 4 is best',
        '--root-session /data/sessions/toroidal_dot/walk_01 --config',
        '--runs-per-stage 3',
        'against copying',
        'Counterfactual divergence',
        'optimizer.learning_rate',
        'xxh64:9f1b22c04ad1e7d3',
    ):
        assert words in text, words
    assert not shown.page.locator('[data-copy]').is_visible(), 'a button that cannot work'
    assert shown.page.locator('details.stage').count() == 4
    summary = shown.page.locator('details.stage summary').nth(1)
    assert not shown.page.locator('#sweep-2-2-1').is_visible()
    summary.click()
    assert shown.page.locator('#sweep-2-2-1').is_visible()


def test_dark_and_light_are_the_readers_choice(show):
    paper = 'getComputedStyle(document.body).backgroundColor'
    light, dark = (
        show('full', scheme=scheme).page.evaluate(paper) for scheme in ('light', 'dark')
    )
    assert light == 'rgb(255, 255, 255)' and dark == 'rgb(20, 23, 27)'


def test_a_phone_gets_charts_with_letters_that_can_be_read(show):
    for size in (DESKTOP, PHONE):
        shown = show('full', size=size)
        sizes = shown.page.evaluate(SIZES)
        assert len(sizes) > 30 and min(sizes) >= 9, min(sizes)
        for kind, expected in (('wide', size == DESKTOP), ('narrow', size == PHONE)):
            drawn = shown.page.locator(f'.for-{kind} svg')
            assert drawn.is_visible() == expected, f'the {kind} timeline at {size[0]} px'


# Pairs of texts of one chart that cover each other by more than the room around letters.
OVERLAPS = """[...document.querySelectorAll('svg.chart')]
  .filter((chart) => chart.getClientRects().length)
  .flatMap((chart) => {
    const texts = [...chart.querySelectorAll('text')];
    const boxes = texts.map((text) => text.getBoundingClientRect());
    return texts.flatMap((text, i) => texts.slice(i + 1).filter((_, k) => {
      const [a, b] = [boxes[i], boxes[i + 1 + k]];
      return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
    }).map((other) => `${text.textContent} | ${other.textContent}`));
  })"""


@pytest.mark.parametrize('size', [DESKTOP, PHONE], ids=['desktop', 'phone'])
@pytest.mark.parametrize('name', ['full', 'stage', 'baseline', 'comparison'])
def test_no_letters_of_a_chart_cover_each_other(name, size, show):
    shown = show(name, size=size)
    shown.page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true')
    assert shown.page.evaluate(OVERLAPS) == []


def test_what_happened_can_be_read_on_a_phone_without_moving_it_sideways(show):
    shown = show('failed', size=PHONE)
    cells = shown.page.locator('table.events td:last-child')
    boxes = [cell.bounding_box() for cell in cells.all() if cell.is_visible()]
    assert boxes and all(box['x'] >= 0 for box in boxes)
    assert all(box['x'] + box['width'] <= PHONE[0] for box in boxes)
    assert all(box['width'] > 250 for box in boxes), 'the other columns take its room'


def test_frames_of_one_canvas_have_one_height_and_stand_in_order(show):
    shown = show('full')
    boxes = [
        image.bounding_box() for image in shown.page.locator('.example').first.locator('img').all()
    ]
    assert len(boxes) == 7, 'history, what came, four stages, error'
    assert max(box['height'] for box in boxes) - min(box['height'] for box in boxes) < 1
    assert [box['x'] for box in boxes] == sorted(box['x'] for box in boxes)
    assert boxes[0]['width'] > 2 * boxes[1]['width'], 'the history is of two frames'


def test_links_of_alerts_lead_to_what_they_are_about_also_where_it_is_folded(show):
    shown = show('full')
    target = shown.page.locator('#sweep-2-2-1')
    assert not target.is_visible()
    shown.page.locator('.alerts a[href="#sweep-2-2-1"]').click()
    target.wait_for(state='visible')
    box = target.bounding_box()
    assert 0 <= box['y'] < DESKTOP[1]


def test_a_table_can_be_sorted_by_mouse_and_keys(show):
    shown = show('full')
    column = 'table.stages tbody td:nth-child(5)'
    head = shown.page.locator('table.stages thead th').nth(4)
    head.click()
    first = shown.page.locator(column).all_inner_texts()
    assert first == ['0.00640', '0.0127', '0.0311', '0.0478']
    head.press('Enter')
    assert shown.page.locator(column).all_inner_texts() == first[::-1]
    assert head.get_attribute('aria-sort') == 'descending'


def test_the_command_can_be_copied(show):
    shown = show('full')
    shown.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    shown.page.locator('[data-copy]').click()
    shown.page.get_by_text('Copied').wait_for()
    copied = shown.page.evaluate('navigator.clipboard.readText()')
    assert copied.startswith('ros2 run devrobot_training staged --root-session /data/')


def test_the_page_prints_whole_with_folded_stages_open(show, tmp_path):
    shown = show('full')
    assert not shown.page.locator('#stage-1-detail').is_visible()
    shown.page.emulate_media(media='print')
    assert shown.page.locator('#stage-1-detail svg.chart').first.is_visible()
    assert not shown.page.locator('nav').is_visible()
    pdf = tmp_path / 'report.pdf'
    shown.page.pdf(path=pdf)
    assert pdf.read_bytes().count(b'/Type /Page\n') + pdf.read_bytes().count(b'/Type /Page>') > 3
