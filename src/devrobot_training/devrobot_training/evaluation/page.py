"""One self-contained page about an evaluation: readable without scripts, without a network."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
import math
from pathlib import Path
from typing import Any

from devrobot_training.evaluation.glossary import (
    ALT,
    BASELINES,
    BY_ACTION,
    DIVERGENCE,
    DOTS,
    HINTS,
    LOSSES,
    ROLLOUTS,
    SPREAD,
    TITLES,
)

STYLE = Path(__file__).with_name('page.css')
NONE = '–'
Row = Sequence[str]


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with three significant digits, or more if it has them before the point."""
    if value is None:
        return 'not measured'
    if not value:
        return '0'
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -5:
        return f'{value:.{digits}g}'
    return f'{value:.{max(0, digits - 1 - magnitude)}f}'


def percent(value: float | None) -> str:
    """Return a share for people."""
    return 'not measured' if value is None else f'{100 * value:.1f} %'


def verdict(data: Mapping[str, Any]) -> str:
    """Return in words what the figures say."""
    own, copied, grey = (data[f'hybrid{s}'] for s in ('', '_copy_last', '_grey'))
    best, name = min((copied, 'copying the last frame'), (grey, 'the best constant grey'))
    if own is None:
        return 'Nothing could be measured: the predictions are not numbers.'
    gain = 1 - own / best if best else 0.0
    told = (
        f'The hybrid loss is {number(own)}, {percent(gain)} below {name}.'
        if gain > 0
        else f'The hybrid loss is {number(own)}, no better than {name} ({number(best)}): the '
        'model predicts nothing yet.'
    )
    wrong = data['hybrid_wrong_action']
    if wrong is not None and own:
        told += f' With a wrong action it is {number(wrong / own, 2)} times as large.'
    if data['within_2px'] is not None:
        told += f' {percent(data["within_2px"])} of the dots are within 2 px of where they came'
        others = data['counterfactual_within_2px']
        told += '.' if others is None else f', and {percent(others)} for the action not taken.'
    return told


def render_page(
    data: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    *,
    title: str,
    facts: Mapping[str, str],
) -> str:
    """
    Return the page.

    :param data: what ``result.to_dict`` gives.
    :param pictures: PNG files by name.
    :param facts: names and values of the head.
    """
    parts = [
        f'<h1>{escape(title)}</h1>',
        f'<p class="verdict">{escape(verdict(data))}</p>',
        _tiles(data),
        _table('about', 'About', [], [[name, value] for name, value in facts.items()]),
        *(_picture(name, pictures[name]) for name in TITLES if name in pictures),
        _losses(data),
        _dots(data),
        _by_action(data),
        _divergence(data),
        _rollouts(data),
        _spread(data),
    ]
    style = STYLE.read_text(encoding='utf-8')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><style>{style}</style></head>\n<body><main>\n'
        + '\n'.join(filter(None, parts))
        + '\n</main></body></html>\n'
    )


def _tiles(data: Mapping[str, Any]) -> str:
    tiles = [
        ('hybrid loss', number(data['hybrid'])),
        ('copy last frame', number(data['hybrid_copy_last'])),
        ('predictions', str(data['count'])),
    ]
    if data['within_2px'] is not None:
        tiles += [
            ('within 2 px', percent(data['within_2px'])),
            ('action not taken', percent(data['counterfactual_within_2px'])),
            ('after 5 imagined steps', percent(data['rollout5_within_2px'])),
            ('after 10', percent(data['rollout10_within_2px'])),
        ]
    cells = ''.join(
        f'<div><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _losses(data: Mapping[str, Any]) -> str:
    names = list(LOSSES)
    rows = [
        [label, *(_cell(data[f'{name}{suffix}']) for name in names)]
        for suffix, label in BASELINES.items()
    ]
    source = 'the training frames' if data['mean_frame_from'] == 'training' else 'these frames'
    note = f'The mean frame and the grey are made of {source}.'
    title = 'Beside predictions that need no model'
    return _table('losses', title, ['', *names], rows, words=LOSSES, note=note)


def _dots(data: Mapping[str, Any]) -> str:
    if data['within_2px'] is None:
        return ''
    rows = [
        [
            label,
            *(percent(data[f'{prefix}within_{limit}px']) for limit in (2, 3)),
            _cell(data[f'{prefix}median_dot_error']),
        ]
        for prefix, label in (('', 'action taken'), ('counterfactual_', 'actions not taken'))
    ]
    heads = ['', 'within 2 px', 'within 3 px', 'median [px]']
    return _table('dots', 'Where the dot is', heads, rows, words=DOTS)


def _by_action(data: Mapping[str, Any]) -> str:
    names = ['hybrid', 'hybrid_copy_last', 'hybrid_wrong', 'psnr', 'ssim']
    heads = ['action', 'count', 'hybrid', 'copy last', 'wrong action', 'psnr', 'ssim']
    dots = data['within_2px'] is not None
    rows = []
    for label, found in data['by_action'].items():
        row = [label, str(found['count']), *(_cell(found[name]) for name in names)]
        if dots:
            row += [percent(found['within_2px']), percent(found['counterfactual_within_2px'])]
        rows.append(row)
    if dots:
        heads += ['within 2 px', 'as the other one']
    words = {name: text for name, text in BY_ACTION.items() if name in heads}
    return _table('by_action', 'By action', heads, rows, words=words)


def _divergence(data: Mapping[str, Any]) -> str:
    rows = [
        [
            f'{pair["first"]} / {pair["second"]}',
            percent(pair['mean']),
            percent(pair['maximum']),
            percent(pair['changed']),
        ]
        for pair in data['divergence']
    ]
    note = (
        'How much the predictions for two actions differ, in shares of white. '
        'A large difference alone proves nothing: see whether the other action is right, too.'
    )
    heads = ['actions', *DIVERGENCE]
    title = 'Counterfactual divergence'
    return _table('divergence', title, heads, rows, words=DIVERGENCE, note=note)


def _rollouts(data: Mapping[str, Any]) -> str:
    found = data['rollouts']
    if found is None:
        return (
            '<h2 id="steps">Step by step</h2><p class="note">No rollouts: they were not asked '
            'for.</p>'
        )
    columns: list[list[str]] = [
        [str(step + 1) for step in range(found['steps'])],
        *(list(map(_cell, found[name])) for name in ('plain', 'hybrid', 'hybrid_copy_first')),
    ]
    heads = ['step', 'plain', 'hybrid', 'nothing changes']
    if 'within_2px' in found:
        columns += [
            list(map(percent, found['within_2px'])),
            list(map(_cell, found['median_dot_error'])),
        ]
        heads += ['within 2 px', 'median [px]']
    words = {name: text for name, text in ROLLOUTS.items() if name in heads}
    rows = [list(row) for row in zip(*columns, strict=True)]
    note = f'Means of {found["count"]} rollouts.'
    return _table('steps', 'Step by step', heads, rows, words=words, note=note)


def _spread(data: Mapping[str, Any]) -> str:
    points = ('1', '5', '25', '50', '75', '95', '99')
    heads = ['', 'mean', 'deviation', 'minimum', 'maximum', *(f'{point} %' for point in points)]
    rows = []
    for name in ('plain', 'focal', 'hybrid', 'psnr', 'ssim', 'dot_error'):
        found = data['statistics'].get(name)
        if found is None:
            continue
        keys = ('mean', 'standard_deviation', 'minimum', 'maximum')
        rows.append(
            [
                name.replace('_', ' '),
                *(_cell(found[key]) for key in keys),
                *(_cell(found['percentiles'][point]) for point in points),
            ]
        )
    return _table('spread', 'Spread over the session', heads, rows, words=SPREAD)


def _cell(value: float | None) -> str:
    """Return a number of a table, or a dash."""
    return NONE if value is None else number(value)


def _heading(anchor: str, title: str) -> str:
    return f'<h2 id="{anchor}"><a href="#{anchor}">{escape(title)}</a></h2>'


def _picture(name: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'{_heading(name, TITLES[name])}<p class="note">{escape(HINTS[name])}</p>'
        f'<img alt="{escape(ALT[name])}" src="data:image/png;base64,{data}">'
    )


def _table(
    anchor: str,
    title: str,
    heads: Row,
    rows: Sequence[Row],
    *,
    words: Mapping[str, str] | None = None,
    note: str = '',
) -> str:
    """Return a table with its heading, the words that explain its columns, and a note."""
    if not rows:
        return ''
    head = ''.join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    line = f'<thead><tr>{head}</tr></thead>' if heads else ''
    body = ''.join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + ''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])
        + '</tr>'
        for row in rows
    )
    terms = ''.join(
        f'<dt>{escape(name)}</dt><dd>{escape(text)}</dd>' for name, text in (words or {}).items()
    )
    return (
        f'{_heading(anchor, title)}<div class="wide"><table class="{anchor}">{line}'
        f'<tbody>{body}</tbody></table></div>'
        + (f'<dl>{terms}</dl>' if terms else '')
        + (f'<p class="note">{escape(note)}</p>' if note else '')
    )
