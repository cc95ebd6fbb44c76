"""One self-contained page about an evaluation: readable without scripts, without a network."""

from collections.abc import Mapping
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
from devrobot_training.pages.drawing import data_uri, draw
from devrobot_training.pages.numbers import cell, number, percent
from devrobot_training.pages.parts import Picture, Section, Table, Tile

TEMPLATES = Path(__file__).with_name('templates')


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
    sections = (
        losses_section(data),
        dots_section(data),
        by_action_section(data),
        divergence_section(data),
        rollouts_section(data),
        spread_section(data),
    )
    shown = [_picture(name, pictures[name]) for name in TITLES if name in pictures]
    values = {
        'title': title,
        'verdict': verdict(data),
        'tiles': _tiles(data),
        'facts': Section(
            anchor='about',
            title='About',
            table=Table(rows=list(facts.items()), kind='facts'),
        ),
        'pictures': shown,
        'sections': sections,
    }
    return draw('evaluation.html', values, folders=[TEMPLATES])


def _tiles(data: Mapping[str, Any]) -> list[Tile]:
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
    return [Tile(value=value, label=name) for name, value in tiles]


def losses_section(data: Mapping[str, Any]) -> Section:
    """Compare with predictions that need no model."""
    names = list(LOSSES)
    rows = [
        [label, *(cell(data.get(f'{name}{suffix}')) for name in names)]
        for suffix, label in BASELINES.items()
    ]
    source = 'the training frames' if data['mean_frame_from'] == 'training' else 'these frames'
    note = f'The mean frame and the grey are made of {source}.'
    title = 'Beside predictions that need no model'
    return _section('losses', title, ['', *names], rows, words=LOSSES, note=note)


def dots_section(data: Mapping[str, Any]) -> Section:
    """Tell how near the dots are, empty where there are none."""
    if data['within_2px'] is None:
        return _section('dots', 'Where the dot is', [], [])
    rows = [
        [
            label,
            *(percent(data[f'{prefix}within_{limit}px']) for limit in (2, 3)),
            cell(data[f'{prefix}median_dot_error']),
        ]
        for prefix, label in (('', 'action taken'), ('counterfactual_', 'actions not taken'))
    ]
    heads = ['', 'within 2 px', 'within 3 px', 'median [px]']
    return _section('dots', 'Where the dot is', heads, rows, words=DOTS)


def by_action_section(data: Mapping[str, Any]) -> Section:
    """Tell the figures action by action."""
    names = ['hybrid', 'hybrid_copy_last', 'hybrid_wrong', 'psnr', 'exact', 'ssim']
    heads = ['action', 'count', 'hybrid', 'copy last', 'wrong action', 'psnr', 'exact', 'ssim']
    dots = data['within_2px'] is not None
    rows = []
    for label, found in data['by_action'].items():
        row = [label, str(found['count']), *(cell(found.get(name)) for name in names)]
        if dots:
            row += [percent(found['within_2px']), percent(found['counterfactual_within_2px'])]
        rows.append(row)
    if dots:
        heads += ['within 2 px', 'as the other one']
    words = {name: text for name, text in BY_ACTION.items() if name in heads}
    return _section('by_action', 'By action', heads, rows, words=words)


def divergence_section(data: Mapping[str, Any]) -> Section:
    """Tell how much the predictions for two actions differ."""
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
    return _section('divergence', title, heads, rows, words=DIVERGENCE, note=note)


def rollouts_section(data: Mapping[str, Any]) -> Section:
    """Tell how good imagined frames are, step by step."""
    found = data['rollouts']
    if found is None:
        why = 'No rollouts: they were not asked for.'
        return _section('steps', 'Step by step', [], [], empty=why)
    columns: list[list[str]] = [
        [str(step + 1) for step in range(found['steps'])],
        *(list(map(cell, found[name])) for name in ('plain', 'hybrid', 'hybrid_copy_first')),
    ]
    heads = ['step', 'plain', 'hybrid', 'nothing changes']
    if 'within_2px' in found:
        columns += [
            list(map(percent, found['within_2px'])),
            list(map(cell, found['median_dot_error'])),
        ]
        heads += ['within 2 px', 'median [px]']
    words = {name: text for name, text in ROLLOUTS.items() if name in heads}
    rows = [list(row) for row in zip(*columns, strict=True)]
    note = f'Means of {found["count"]} rollouts.'
    return _section('steps', 'Step by step', heads, rows, words=words, note=note)


def spread_section(data: Mapping[str, Any]) -> Section:
    """Tell how the measures are spread over the session."""
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
                *(cell(found[key]) for key in keys),
                *(cell(found['percentiles'][point]) for point in points),
            ]
        )
    return _section('spread', 'Spread over the session', heads, rows, words=SPREAD)


def _picture(name: str, png: bytes) -> tuple[str, str, str, Picture]:
    """Return anchor, title, hint and picture."""
    return name, TITLES[name], HINTS[name], Picture(source=data_uri(png, 'png'), alt=ALT[name])


def _section(
    anchor: str,
    title: str,
    heads: list[str],
    rows: list[list[str]],
    *,
    words: Mapping[str, str] | None = None,
    note: str = '',
    empty: str = '',
) -> Section:
    table = Table(rows=rows, heads=heads, words=words or {}, note=note, empty=empty)
    return Section(anchor=anchor, title=title, table=table)
