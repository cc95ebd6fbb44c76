"""Charts as SVG inside the page: colours come from the style sheet, so dark mode is no extra."""

from collections.abc import Iterable, Sequence

from devrobot_training.pages.charts import Bars, BOTH, Chart, DOTS, good, Line, thin, Values
from devrobot_training.pages.scales import Scale, scale_of, tick_text
from markupsafe import Markup

LEFT, RIGHT, TOP, BOTTOM = 66, 22, 12, 40
MARK_ROOM, BAND_ROOM = 14, 18
MOST_DOTS = 60
# As wide as they are on a phone, where letters are larger.
AXIS_NAME, LETTER = 26, 9


def draw_chart(chart: Chart, width: int = 520, height: int = 250) -> Markup:
    """Return the chart as SVG; of one that is empty an empty frame."""
    top = TOP + (MARK_ROOM if chart.marks else 0) + (BAND_ROOM if chart.bands else 0)
    across, up = _scales(chart, width, height, top)
    parts = [
        *_bands(chart, across, top, height - BOTTOM),
        *_axes(chart, across, up),
        *(_bars(chart.bars, across, up) if chart.bars else ()),
        *(piece for line in chart.lines for piece in _line(line, across, up)),
        *_marks(chart, across, top, height - BOTTOM),
    ]
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(width, height, chart.alt, Markup('').join(parts))


def draw_sparkline(values: Values, width: int = 96, height: int = 24) -> Markup:
    """Return a line of a table's height, by logarithm where it can be; nothing without values."""
    found = good(values)
    if len(found) < 2:
        return Markup('')
    log = min(found) > 0
    x, y = thin(range(len(values)), values, 60)
    across = Scale(low=0, high=max(1, len(values) - 1), start=2, end=width - 4)
    up = scale_of(found, height - 3, 3, log=log)
    path = _path(x, y, across, up)
    last = found[-1]
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-label="from {first:.3g} to {last:.3g}"><path class="blue solid" d="{path}"/>'
        '<circle class="blue" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/></svg>'
    ).format(
        w=width, h=height, first=found[0], last=last, path=path, x=across.at(x[-1]), y=up.at(last)
    )


def _scales(chart: Chart, width: int, height: int, top: int) -> tuple[Scale, Scale]:
    lows = [value for line in chart.lines for value in good(line.y, log=chart.log)]
    x = [value for line in chart.lines for value in line.x]
    x += [edge for band in chart.bands for edge in (band.start, band.end)]
    if chart.bars is not None:
        x += chart.bars.edges
        lows += [0.0, *chart.bars.counts]
    pad = 0.06 if chart.x_names else 0.0
    up = scale_of(lows, height - BOTTOM, top, log=chart.log and bool(lows), pad=0.04)
    if chart.bars is not None:
        up = Scale(low=0.0, high=up.high, start=up.start, end=up.end)
    letters = max(len(tick_text(value)) for value in up.ticks())
    left = max(LEFT, AXIS_NAME + LETTER * letters)
    return scale_of(x, left, width - RIGHT, pad=pad), up


def _axes(chart: Chart, across: Scale, up: Scale) -> Iterable[Markup]:
    for value in up.ticks():
        y = up.at(value)
        yield Markup('<path class="grid" d="M{:.1f} {:.1f}H{:.1f}"/>').format(
            across.start, y, across.end
        )
        yield _text(across.start - 7, y + 4, tick_text(value), 'end')
    names = chart.x_names or [
        (value, tick_text(value)) for value in across.ticks(int((across.end - across.start) / 90))
    ]
    for value, name in names:
        yield _text(across.at(value), up.start + 17, name, 'middle')
    yield Markup('<path class="axis" d="M{:.1f} {:.1f}H{:.1f}"/>').format(
        across.start, up.start, across.end
    )
    yield _text((across.start + across.end) / 2, up.start + 34, chart.x_name, 'middle')
    middle = (up.start + up.end) / 2
    yield Markup(
        '<text class="quiet" text-anchor="middle" transform="translate(12 {:.1f}) rotate(-90)">'
        '{}</text>'
    ).format(middle, chart.y_name)


def _line(line: Line, across: Scale, up: Scale) -> Iterable[Markup]:
    x, y = thin(line.x, line.y)
    if line.kind != DOTS:
        kind = 'solid' if line.kind == BOTH else line.kind
        yield Markup('<path class="{} {}" d="{}"/>').format(
            line.tone, kind, _path(x, y, across, up)
        )
    if line.kind in (DOTS, BOTH) and (line.kind == DOTS or len(x) <= MOST_DOTS):
        for at, value in zip(x, y, strict=True):
            if good([value], log=up.log):
                yield Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(
                    line.tone, across.at(at), up.at(value or 0.0), 2 if len(x) > MOST_DOTS else 3.2
                )


def _path(x: Sequence[float], y: Values, across: Scale, up: Scale) -> str:
    words, pen = [], False
    for at, value in zip(x, y, strict=True):
        if value is None or not good([value], log=up.log):
            pen = False
            continue
        words.append(f'{"L" if pen else "M"}{across.at(at):.1f} {up.at(value):.1f}')
        pen = True
    return ''.join(words)


def _bars(bars: Bars, across: Scale, up: Scale) -> Iterable[Markup]:
    for left, right, count in zip(bars.edges, bars.edges[1:], bars.counts, strict=False):
        start, end = across.at(left), across.at(right)
        yield Markup(
            '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        ).format(
            bars.tone, start, up.at(count), max(0.5, end - start - 1), up.start - up.at(count)
        )


def _bands(chart: Chart, across: Scale, top: int, bottom: int) -> Iterable[Markup]:
    for number, band in enumerate(chart.bands):
        start, end = across.at(band.start), across.at(band.end)
        yield Markup('<rect class="band{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
            number % 2, start, top, max(0.0, end - start), bottom - top
        )
        room = 7.5 * len(band.name)
        name = band.name if end - start > room else band.name.split()[-1]
        if end - start > 7.5 * len(name):
            y = top - MARK_ROOM - 5 if chart.marks else top - 6
            yield _text((start + end) / 2, y, name, 'middle')


def _marks(chart: Chart, across: Scale, top: int, bottom: int) -> Iterable[Markup]:
    for mark in chart.marks:
        x = across.at(mark.x)
        yield Markup(
            '<path class="{} mark-line" d="M{:.1f} {}V{}"/><text class="{}" x="{:.1f}" y="{}" '
            'text-anchor="middle">{}</text>'
        ).format(mark.tone, x, top, bottom, mark.tone, x, top - 2, mark.sign)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="quiet" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )
