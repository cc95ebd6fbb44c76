"""Every page of a report is whole and stands alone, however little there is to tell."""

from dataclasses import replace
import re

from devrobot_interfaces_py.images import encode_png, resize
from devrobot_training.fit.problems import RunError
from devrobot_training.report.pictures import Album
from devrobot_training.report.previous import Previous
from devrobot_training.report.rendering import render, render_baseline, render_stage
from devrobot_training.report.stage_records import Curve, RunEvent, Stage, StageRun
from devrobot_training.report.summary import (
    Alert,
    Attention,
    Difference,
    save_summary,
    UsedFile,
    UsedSession,
)
from devrobot_training.report.writing import PAGE, write_report
import numpy as np
from page_checks import check_page, links
import pytest
import report_worlds as worlds

WORLDS = {
    'empty': lambda _: worlds.EMPTY,
    'partial': worlds.partial,
    'failed': worlds.failed,
    'full': worlds.full,
}
SECTIONS = {
    *('alerts', 'stages', 'sees', 'timeline', 'details', 'baseline', 'spread', 'best-model'),
    *('attention', 'events', 'reproduce', 'to-defaults', 'to-commit', 'sessions', 'versions'),
    *('seeds', 'files', 'settings'),
}
MEGABYTE = 1_000_000


def text_of(page: str) -> str:
    """Return what a reader sees of a page, without its markup."""
    body = re.sub(r'<(style|script)>.*?</\1>', '', page, flags=re.DOTALL)
    return re.sub(r'\s+', ' ', re.sub(r'<[^>]*>', ' ', body))


@pytest.mark.parametrize('name', WORLDS)
def test_every_page_is_whole_and_alone(name, tmp_path):
    summary = WORLDS[name](tmp_path)
    page = render(summary, tmp_path, Previous())
    assert set(check_page(page).ids) >= SECTIONS
    assert len(page) < MEGABYTE
    for stage in summary.stages:
        check_page(render_stage(summary, stage, tmp_path))
        check_page(render_baseline(summary, stage, tmp_path))
    assert 'None' not in text_of(page) and 'nan' not in text_of(page).replace('loss is nan', '')


def test_a_baseline_that_won_is_shown_instead_of_its_stage(tmp_path):
    summary = worlds.won_by_a_baseline(tmp_path)
    page = render(summary, tmp_path)
    check_page(page)
    told = text_of(page)
    assert 'The baseline of stage 4 of 4 is best: hybrid loss 0.00500' in told
    assert 'The best weights are those of the baseline of stage 4' in told
    assert page.count('alt="Prediction of baseline of stage 4 for transition') == 6
    assert 'note"><b>note</b> <span>Stages 1 and 4 are no better than copying' in page


def test_what_is_missing_says_why(tmp_path):
    told = text_of(render(worlds.partial(tmp_path), tmp_path))
    for sentence in (
        'No sweep: none yet.',
        'No pictures: not recorded.',
        'No picture: made at the end.',
        'Not measured: the stage is not over.',
        'No events were recorded.',
        'No comparison: not recorded.',
        'No curve: not recorded.',
    ):
        assert sentence in told, sentence
    empty = text_of(render(worlds.EMPTY, tmp_path))
    for sentence in (
        'No stages: none was begun.',
        'No command: not recorded.',
        'No timeline: no curve was recorded yet.',
        'No pictures: no stage was measured.',
        'No baseline: none was trained.',
        'Not measured: no stage was measured.',
        'No alerts: nothing looks wrong.',
    ):
        assert sentence in empty, sentence


def test_a_reason_of_the_engine_stands_in_the_place_of_what_it_explains(tmp_path):
    stage = Stage(
        number=1,
        missing={'sweeps': 'switched off (sweep.when never)', 'baseline_runs': 'switched off'},
    )
    summary = replace(worlds.EMPTY, stages=(stage,), missing={'attention': 'no decoder'})
    told = text_of(render(summary, tmp_path))
    assert 'No sweep: switched off (sweep.when never).' in told
    assert 'No baseline: switched off.' in told and 'No picture: no decoder.' in told


def test_the_verdict_and_the_figures_of_every_stage_are_there(tmp_path):
    told = text_of(render(worlds.full(tmp_path), tmp_path))
    assert 'Stage 4 of 4 is best: hybrid loss 0.00640' in told
    for figure in ('0.0478', '0.0311', '0.0127', '−84.1 %', '24 000', '5 min 42 s', '3e-4'):
        assert figure in told, figure


EVIL = '<script>alert(1)</script>&"\'<b onload=x>'


def test_names_from_outside_are_escaped_everywhere(tmp_path):
    full = worlds.full(tmp_path)
    example = replace(full.stages[1].examples[0], action=EVIL, word=EVIL, prediction=EVIL)
    run = replace(full.stages[1].runs[0], stop_message=EVIL, stop_reason=EVIL)
    phase = replace(full.stages[1].sweeps[0].phases[0], name=EVIL, ranking=EVIL)
    sweep = replace(full.stages[1].sweeps[0], reason=EVIL, trigger=EVIL, phases=(phase,))
    action = full.stages[1].evaluation['by_action']['stay']
    stage = replace(
        full.stages[1],
        reason=EVIL,
        stop_reason=EVIL,
        runs=(run,),
        chosen_run=1,
        sweeps=(sweep,),
        evaluation={**full.stages[1].evaluation, 'by_action': {EVIL: action}},
        examples=(example,),
        worst=(example,),
        events=(RunEvent(time=EVIL, kind=EVIL, message=EVIL),),
        missing={'baseline_runs': EVIL},
        baseline_runs=(),
        original_loss=0.001,
    )
    header = replace(
        full.header,
        **dict.fromkeys(
            ('run_id', 'session', 'mode', 'commit', 'device', 'status_message', 'started'), EVIL
        ),
        status='failed',
        command=(EVIL,),
    )
    reproduction = replace(
        full.reproduction,
        config_file=EVIL,
        arguments=(EVIL,),
        to_defaults=(Difference(name=EVIL, value=EVIL, other=EVIL),),
        versions={EVIL: EVIL},
        sessions=(UsedSession(name=EVIL, role=EVIL, path=EVIL, digest=EVIL),),
        seeds={EVIL: 1},
        files=(UsedFile(path='a&b', meaning=EVIL),),
    )
    summary = replace(
        full,
        header=header,
        stages=(stage,),
        choice=None,
        alerts=(Alert(severity='note', message=EVIL, section='events'),),
        events=(RunEvent(time=EVIL, kind=EVIL, message=EVIL),),
        attention=Attention(picture='attention.png', caption=EVIL),
        reproduction=reproduction,
    )
    for page in (
        render(summary, tmp_path, Previous(run_id=EVIL, loss=0.1)),
        render_stage(summary, stage, tmp_path),
        render_baseline(summary, replace(stage, baseline_runs=(run,)), tmp_path),
    ):
        check_page(page)
        assert '<b onload' not in page and '<script>alert' not in page
        assert '&lt;script&gt;alert(1)' in page


def test_links_lead_to_files_of_the_run_only(tmp_path):
    summary = worlds.full(tmp_path)
    (tmp_path / 'config.yaml').write_text('seed: 1\n')
    save_summary(summary, tmp_path)
    page = write_report(tmp_path)
    pages = [page, *tmp_path.glob('stages/*/*.html')]
    assert len(pages) == 9
    for path in pages:
        found = links(check_page(path.read_text()))
        assert found and all((path.parent / link).is_file() for link in found), path


def test_large_pictures_are_left_out_before_the_page_becomes_too_large(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    (tmp_path / 'noise.png').write_bytes(encode_png(noise))
    album = Album(tmp_path, budget=100_000)
    pictures = [album.show('noise.png', 'noise') for _ in range(9)]
    shown = [picture for picture in pictures if picture.source]
    assert shown and sum(len(picture.source) for picture in shown) <= 100_000
    assert 'the page would become too large' in pictures[-1].why


@pytest.mark.parametrize(
    ('path', 'reason'),
    [
        ('gone.png', 'No such file'),
        ('broken.png', 'is not a readable'),
        ('../secret.png', 'not in the run folder'),
        ('/etc/hostname', 'not in the run folder'),
    ],
)
def test_a_picture_that_cannot_be_shown_says_why(path, reason, tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / 'broken.png').write_bytes(b'no picture')
    (tmp_path / 'secret.png').write_bytes(b'')
    picture = Album(folder).show(path, 'alt')
    assert not picture.source and reason in picture.why


def test_many_stages_of_camera_frames_stay_below_ten_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    stages = []
    for number in range(1, 9):
        stage = worlds.stage(tmp_path, number, 0.05 / number)
        for path in (tmp_path / stage.folder).glob('*.png'):
            wide = 480 if 'canvas' in path.name else 224
            coarse = rng.integers(0, 256, (28, wide // 8, 3), np.uint8)
            path.write_bytes(encode_png(resize(coarse, 224, wide)))
        stages.append(stage)
    summary = replace(worlds.EMPTY, stages=tuple(stages))
    page = render(summary, tmp_path)
    assert 1 * MEGABYTE < len(page) < 10 * MEGABYTE
    check_page(page)


def test_long_curves_are_thinned_and_keep_their_extremes(tmp_path):
    values = [0.01] * 50_000
    values[31_415] = 0.9
    run = StageRun(
        number=1, seed=0, train=Curve(samples=tuple(range(1, 50_001)), values=tuple(values))
    )
    summary = replace(worlds.EMPTY, stages=(Stage(number=1, runs=(run,)),))
    page = render(summary, tmp_path)
    assert len(page) < MEGABYTE / 5
    smallest = min(float(y) for y in re.findall(r'[ML][\d.]+ ([\d.]+)', page))
    assert smallest < 40, 'the peak is drawn near the top'


def test_a_damaged_evaluation_costs_its_own_section_only(tmp_path):
    stage = worlds.stage(tmp_path, 1, 0.02)
    broken = {**stage.evaluation, 'divergence': None, 'over_time': 'x', 'histogram': {}}
    summary = replace(worlds.EMPTY, stages=(replace(stage, evaluation=broken),))
    told = text_of(render(summary, tmp_path))
    assert 'the evaluation of this run does not tell it' in told and 'By action' in told


def test_a_report_replaces_the_one_before_or_leaves_it(tmp_path):
    save_summary(worlds.EMPTY, tmp_path)
    page = write_report(tmp_path)
    before = page.read_text()
    (tmp_path / 'summary.json').write_text('{')
    with pytest.raises(RunError, match='is not the summary'):
        write_report(tmp_path)
    assert page.read_text() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith('.')] == []
    assert page.name == PAGE


def test_pages_are_not_written_outside_of_the_run(tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    (tmp_path / 'other').mkdir()
    stages = tuple(Stage(number=n, folder=f) for n, f in ((1, '../other'), (2, '.'), (3, 'gone')))
    save_summary(replace(worlds.EMPTY, stages=stages), run)
    write_report(run)
    assert list((tmp_path / 'other').iterdir()) == []
    assert sorted(path.name for path in run.iterdir()) == ['report.html', 'summary.json']
