"""
Panels of a viewer layout, in the classic export format that Foxglove and Lichtblick both import.

A panel is an id (``Kind!key``) and a configuration. A tree of panels is an id or a split of two
trees. Keys are taken from the titles, so that the same layout always becomes the same file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import json
import re
from typing import Any

Tree = str | dict[str, Any]

GREEN = '#2e7d32'
GRAY = '#616161'
BLUE = '#1565c0'
RED = '#c62828'


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel; ``Tab`` panels hold others in ``children``."""

    kind: str
    title: str
    config: Mapping[str, Any]
    children: tuple['Panel | Split', ...] = ()

    @property
    def panel_id(self) -> str:
        """Return the id, made from kind and title."""
        return f'{self.kind}!{re.sub("[^a-z0-9]+", "_", self.title.lower()).strip("_")}'

    def tree(self) -> Tree:
        """Return the place of this panel in a layout."""
        return self.panel_id

    def panels(self) -> Iterator['Panel']:
        """Yield this panel and all inside it."""
        yield self
        for child in self.children:
            yield from child.panels()

    def full_config(self) -> dict[str, Any]:
        """Return the configuration with the title under both viewers' names."""
        titles = {'foxglovePanelTitle': self.title, 'lichtblickPanelTitle': self.title}
        return {**self.config, **titles}


@dataclass(frozen=True, kw_only=True)
class Split:
    """Two parts side by side (``row``) or one above the other (``column``)."""

    direction: str
    first: 'Panel | Split'
    second: 'Panel | Split'
    percentage: float = field(default=50.0)

    def tree(self) -> Tree:
        """Return the place of this split in a layout."""
        return {
            'direction': self.direction,
            'first': self.first.tree(),
            'second': self.second.tree(),
            'splitPercentage': self.percentage,
        }

    def panels(self) -> Iterator[Panel]:
        """Yield all panels inside."""
        yield from self.first.panels()
        yield from self.second.panels()


def row(*parts: Panel | Split, shares: Sequence[float] = ()) -> Panel | Split:
    """Put ``parts`` side by side; ``shares`` are relative widths, equal if not given."""
    return _split('row', parts, tuple(shares) or (1.0,) * len(parts))


def column(*parts: Panel | Split, shares: Sequence[float] = ()) -> Panel | Split:
    """Put ``parts`` one above the other; ``shares`` are relative heights."""
    return _split('column', parts, tuple(shares) or (1.0,) * len(parts))


def _split(
    direction: str, parts: Sequence[Panel | Split], shares: Sequence[float]
) -> Panel | Split:
    if len(parts) != len(shares):
        raise ValueError(f'{len(parts)} parts need as many shares, got {len(shares)}')
    if len(parts) == 1:
        return parts[0]
    return Split(
        direction=direction,
        first=parts[0],
        second=_split(direction, parts[1:], shares[1:]),
        percentage=round(100.0 * shares[0] / sum(shares), 2),
    )


def tabs(title: str, pages: Mapping[str, Panel | Split]) -> Panel:
    """Return a panel with one tab for each page, the first one open."""
    return Panel(
        kind='Tab',
        title=title,
        config={
            'activeTabIdx': 0,
            'tabs': [{'title': name, 'layout': page.tree()} for name, page in pages.items()],
        },
        children=tuple(pages.values()),
    )


def image(title: str, topic: str) -> Panel:
    """Show images."""
    return Panel(
        kind='Image', title=title, config={'imageMode': {'imageTopic': topic, 'annotations': {}}}
    )


def plot(title: str, series: Mapping[str, str], *, x_path: str | None = None) -> Panel:
    """
    Draw message paths over time, or over ``x_path`` when each message holds whole arrays.

    :param series: label → message path.
    """
    paths = [
        {'value': path, 'label': label, 'enabled': True, 'timestampMethod': 'receiveTime'}
        for label, path in series.items()
    ]
    x_axis: dict[str, Any] = {'xAxisVal': 'timestamp'}
    if x_path is not None:
        x_axis = {'xAxisVal': 'currentCustom', 'xAxisPath': {'value': x_path, 'enabled': True}}
    return Panel(
        kind='Plot',
        title=title,
        config={
            'paths': paths,
            **x_axis,
            'showLegend': True,
            'legendDisplay': 'floating',
            'showPlotValuesInLegend': True,
            'showXAxisLabels': True,
            'showYAxisLabels': True,
            'isSynced': True,
            'sidebarDimension': 240,
        },
    )


def states(title: str, series: Mapping[str, str]) -> Panel:
    """Draw discrete values over time; ``series`` is label → message path."""
    paths = [
        {'value': path, 'label': label, 'enabled': True, 'timestampMethod': 'receiveTime'}
        for label, path in series.items()
    ]
    return Panel(kind='StateTransitions', title=title, config={'paths': paths, 'isSynced': True})


def button(
    title: str, service: str, request: Mapping[str, Any], *, color: str, editable: bool = False
) -> Panel:
    """Call a service; ``editable`` shows the request as text that can be changed first."""
    return Panel(
        kind='CallService',
        title=title,
        config={
            'serviceName': service,
            'requestPayload': json.dumps(request, indent=2),
            'layout': 'vertical',
            'editingMode': editable,
            'buttonText': title,
            'buttonColor': color,
            'timeoutSeconds': 30,
        },
    )


def raw(title: str, path: str) -> Panel:
    """Show messages as a tree of fields."""
    return Panel(
        kind='RawMessages',
        title=title,
        config={'topicPath': path, 'diffEnabled': False, 'diffMethod': 'custom'},
    )


def parameters(title: str) -> Panel:
    """Show and set parameters."""
    return Panel(kind='Parameters', title=title, config={'title': title})


def log(title: str) -> Panel:
    """Show the log of all nodes."""
    return Panel(
        kind='RosOut',
        title=title,
        config={'topicToRender': '/rosout', 'minLogLevel': 2, 'searchTerms': []},
    )


def diagnostics(title: str) -> Panel:
    """Show the diagnostics of all nodes."""
    return Panel(
        kind='DiagnosticSummary',
        title=title,
        config={
            'topicToRender': '/diagnostics',
            'minLevel': 0,
            'hardwareIdFilter': '',
            'pinnedIds': [],
            'sortByLevel': True,
        },
    )


def topic_graph(title: str) -> Panel:
    """Show which node talks to which."""
    return Panel(kind='TopicGraph', title=title, config={})


def export(root: Panel | Split) -> dict[str, Any]:
    """
    Return the layout as the object that viewers import.

    :raises ValueError: if two panels of a kind have the same title.
    """
    configs: dict[str, Any] = {}
    for panel in root.panels():
        if panel.panel_id in configs:
            raise ValueError(f'two panels are called {panel.panel_id}: give them other titles')
        configs[panel.panel_id] = panel.full_config()
    return {
        'configById': configs,
        'globalVariables': {},
        'userNodes': {},
        'playbackConfig': {'speed': 1},
        'layout': root.tree(),
    }
