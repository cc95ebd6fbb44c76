"""One self-contained page about an evaluation: readable without scripts, without a network."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

STYLE = Path(__file__).with_name('page.css')
GLOSSARY = {
    'plain': 'mean squared error of the pixels, 0 to 1; lower is better',
    'focal': 'squared error weighted towards large errors, exp(5 e); lower is better',
    'hybrid': '0.1 plain + 0.9 focal, what the model is trained on; lower is better',
    'psnr': 'peak signal-to-noise ratio in dB; higher is better; on nearly black worlds it lies',
    'ssim': 'structural similarity, 1 for equal pictures; higher is better',
}
BASELINES = {
    '': 'model',
    '_copy_last': 'copy last frame',
    '_mean_frame': 'mean frame',
    '_grey': 'best grey',
    '_black': 'all black',
}
ALT = {
    'examples': 'Rows of frames: history, what came, prediction, error, prediction per action',
    'loss': 'Loss over the session, and its histogram',
    'rollouts': 'Imagined frames above those that came, step by step',
    'rollout_error': 'Error by imagined step',
}
TITLES = {
    'examples': 'What it sees',
    'loss': 'Loss over the session',
    'rollouts': 'Imagined futures',
    'rollout_error': 'How far it can imagine',
}
HINTS = {
    'examples': 'Six canvases spread over the session, then the three worst. The bar behind a '
    'history frame has the colour of the action taken there.',
    'loss': 'Each dot is one prediction; the lines are predictions that need no model.',
    'rollouts': 'Each prediction is fed back as the newest frame; no real frame is seen after the '
    'start.',
    'rollout_error': 'Where the curve meets “nothing changes”, imagining is of no more use.',
}


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with three significant digits."""
    return 'not measured' if value is None else f'{value:.{digits}g}'


def percent(value: float | None) -> str:
    """Return a share for people."""
    return 'not measured' if value is None else f'{100 * value:.1f} %'


def verdict(data: Mapping[str, Any]) -> str:
    """Return in words what the figures say."""
    own, copied, grey = (data[f'hybrid{s}'] for s in ('', '_copy_last', '_grey'))
    best, name = min((copied, 'copying the last frame'), (grey, 'the best constant grey'))
    if own is None:
        return 'Nothing could be measured.'
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
        told += (
            f' {percent(data["within_2px"])} of the dots are within 2 px of where they came, and '
            f'{percent(data["counterfactual_within_2px"])} of those for the action not taken.'
        )
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
        _table('About', [], [[name, value] for name, value in facts.items()]),
        *(_picture(name, pictures[name]) for name in TITLES if name in pictures),
        _losses(data),
        _by_action(data),
        _divergence(data),
        _statistics(data),
    ]
    style = STYLE.read_text(encoding='utf-8')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
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
    rows = [
        [label, *(number(data[f'{name}{suffix}']) for name in GLOSSARY)]
        for suffix, label in BASELINES.items()
    ]
    words = ''.join(f'<dt>{name}</dt><dd>{escape(text)}</dd>' for name, text in GLOSSARY.items())
    source = 'the training frames' if data['mean_frame_from'] == 'training' else 'these frames'
    note = f'<p class="note">The mean frame and the grey are made of {source}.</p>'
    return _table(
        'Beside predictions that need no model', ['', *GLOSSARY], rows, f'<dl>{words}</dl>{note}'
    )


def _by_action(data: Mapping[str, Any]) -> str:
    names = ['count', 'hybrid', 'hybrid_copy_last', 'hybrid_wrong', 'psnr', 'ssim']
    heads = ['action', 'count', 'hybrid', 'copy last', 'wrong action', 'PSNR', 'SSIM']
    dots = data['within_2px'] is not None
    rows = []
    for label, found in data['by_action'].items():
        row = [label, *(number(found[name], 4) for name in names)]
        if dots:
            row += [percent(found['within_2px']), percent(found['counterfactual_within_2px'])]
        rows.append(row)
    return _table('By action', heads + (['within 2 px', 'as the other one'] if dots else []), rows)


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
        '<p class="note">How much the predictions for two actions differ, in shares of white. '
        'A large difference alone proves nothing: see whether the other action is right, too.</p>'
    )
    heads = ['actions', 'mean difference', 'largest', 'changed pixels']
    return _table('Counterfactual divergence', heads, rows, note)


def _statistics(data: Mapping[str, Any]) -> str:
    heads = ['', 'mean', 'median', 'deviation', 'minimum', 'maximum', '5 %', '95 %']
    rows = []
    for name in ('plain', 'focal', 'hybrid', 'psnr', 'ssim', 'dot_error'):
        found = data['statistics'].get(name)
        if found is None:
            continue
        points = found['percentiles']
        keys = ('mean', 'median', 'standard_deviation', 'minimum', 'maximum')
        rows.append(
            [name, *(number(found[k]) for k in keys), number(points['5']), number(points['95'])]
        )
    return _table('Spread over the session', heads, rows)


def _picture(name: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<h2 id="{name}">{TITLES[name]}</h2><p class="note">{escape(HINTS[name])}</p>'
        f'<img alt="{escape(ALT[name])}" src="data:image/png;base64,{data}">'
    )


def _table(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], after: str = ''
) -> str:
    if not rows:
        return ''
    head = ''.join(f'<th>{escape(name)}</th>' for name in heads)
    body = ''.join(
        '<tr>' + ''.join(f'<td>{escape(str(cell))}</td>' for cell in row) + '</tr>' for row in rows
    )
    line = f'<thead><tr>{head}</tr></thead>' if heads else ''
    return f'<h2>{escape(title)}</h2><table>{line}<tbody>{body}</tbody></table>{after}'
