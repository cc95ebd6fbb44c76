"""The command ``report``, on folders that runs left behind, dead ones too."""

from dataclasses import replace
import json
from pathlib import Path
import platform
import re
import subprocess
import sys

from command_runs import error_of, run
from devrobot_interfaces_py.atomic import write_text
from devrobot_training.report.collecting import read_run
from devrobot_training.report.summary import load_summary, RunSummary, save_summary
from page_checks import check_page, links
import pytest
import report_worlds as worlds
import run_logs


def dead_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, '-c', ''])
    process.wait()
    return process.pid


def leave(folder: Path, make=worlds.full, **header) -> RunSummary:
    """Let a run leave its summary in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = make(folder)
    summary = replace(summary, header=replace(summary.header, **header))
    save_summary(summary, folder)
    return summary


def test_the_page_is_made_anew_and_its_verdict_is_that_of_the_summary(tmp_path, capsys):
    leave(tmp_path / 'a')
    assert run('report', tmp_path / 'a', '--json', tmp_path / 'out.json') == 0
    told = json.loads((tmp_path / 'out.json').read_text())
    printed = capsys.readouterr().out
    page = (tmp_path / 'a/report.html').read_text()
    assert told['verdict'] in printed and told['verdict'] in page
    choice = load_summary(tmp_path / 'a').choice
    assert (told['best_stage'], told['best_loss']) == (choice.stage, choice.original_loss)
    assert f'Stage {choice.stage} of 4 is best' in told['verdict']
    assert 'warning  Stage 1 is worse than its baseline' in printed
    assert (tmp_path / 'a/stages/stage_02/baseline.html').exists()


def test_a_dead_run_is_called_interrupted_and_a_live_one_running(tmp_path, capsys):
    leave(tmp_path / 'dead', worlds.partial, process_id=dead_process(), host=platform.node())
    leave(tmp_path / 'live', worlds.partial, process_id=1, host=platform.node())
    leave(tmp_path / 'away', worlds.partial, process_id=1, host='another machine')
    for name, status in (('dead', 'interrupted'), ('live', 'running'), ('away', 'running')):
        assert run('report', tmp_path / name) == 0
        page = (tmp_path / name / 'report.html').read_text()
        check_page(page)
        assert f'<span class="badge {status}">' in page, name
    assert 'its process ended without a word' in (tmp_path / 'dead/report.html').read_text()
    assert 'staged --resume' in capsys.readouterr().out


def test_what_a_dead_training_logged_is_shown(tmp_path):
    leave(tmp_path, worlds.partial, process_id=dead_process())
    rows = [*(run_logs.batch(step) for step in range(1, 41))]
    rows += [run_logs.interval(20), run_logs.interval(40)]
    log = '\n'.join(json.dumps(row) for row in rows)
    write_text(tmp_path / 'stages/stage_02/run_1/metrics.jsonl', log + '\n')
    (training,) = read_run(tmp_path).stages[1].runs
    assert training.state == 'interrupted' and training.samples == 320
    assert training.train.samples == tuple(range(8, 321, 8))
    assert training.validation.values == (
        pytest.approx(rows[-2]['validation']['hybrid']),
        pytest.approx(rows[-1]['validation']['hybrid']),
    )
    assert training.best_validation == rows[-1]['validation']['hybrid']
    assert run('report', tmp_path) == 0
    assert 'over 320 samples' in (tmp_path / 'report.html').read_text()


def test_a_log_that_was_cut_off_does_not_stop_the_report(tmp_path):
    leave(tmp_path, worlds.partial, process_id=dead_process())
    write_text(tmp_path / 'stages/stage_02/run_1/metrics.jsonl', '{"kind": "ba')
    assert run('report', tmp_path) == 0


def test_runs_are_compared_on_one_page(tmp_path, capsys):
    leave(tmp_path / 'a', run_id='first')
    choice = replace(worlds.full(tmp_path / 'b').choice, original_loss=0.0032)
    second = replace(leave(tmp_path / 'b', run_id='second'), choice=choice)
    second = replace(
        second, reproduction=replace(second.reproduction, config={'seed': 1, 'a': {'b': 2}})
    )
    save_summary(second, tmp_path / 'b')
    leave(tmp_path / 'c', worlds.failed, run_id='third')
    for name in 'ab':
        assert run('report', tmp_path / name) == 0
    out = tmp_path / 'out.json'
    names = [tmp_path / name for name in 'abc']
    assert run('report', '--compare', *names, '--json', out) == 0
    told = json.loads(out.read_text())
    assert told['verdict'] == (
        'second is best: hybrid loss 0.00320, 50.0 % below first (0.00640).'
    )
    page = tmp_path / 'comparison.html'
    assert told['report'] == str(page) and told['runs']['third'] == pytest.approx(0.071)
    text = page.read_text()
    assert sorted(links(check_page(text))) == ['a/report.html', 'b/report.html']
    rows = text[text.index('<tbody>') :]
    assert rows.index('>second</a>') < rows.index('>first</a>') < rows.index('third')
    for sentence in (
        'The runs read different sessions',
        'third is failed: its figures are those of the stages it finished.',
        'No settings were recorded by third.',
        '>a.b<',
    ):
        assert sentence in text, sentence


def test_runs_that_measure_otherwise_are_told_to_be_no_comparison(tmp_path, capsys):
    leave(tmp_path / 'a', run_id='first')
    second = leave(tmp_path / 'b', run_id='second')
    config = {**second.reproduction.config, 'loss': {'alpha': 0.9}}
    save_summary(
        replace(second, reproduction=replace(second.reproduction, config=config)), tmp_path / 'b'
    )
    out = tmp_path / 'out.json'
    assert run('report', '--compare', tmp_path / 'a', tmp_path / 'b', '--json', out) == 0
    verdict = 'The runs measure losses in different ways: none of them is better than another.'
    warning = 'Canvas, loss or evaluation differ, and with them what a loss means.'
    page, shown = (tmp_path / 'comparison.html').read_text(), capsys.readouterr().out
    assert verdict in page and verdict in shown and 'is best' not in page
    assert warning in page and f'warning  {warning}' in shown
    told = json.loads(out.read_text())
    assert told['verdict'] == verdict
    assert {'severity': 'warning', 'message': warning} in told['alerts']


def test_a_baseline_that_won_is_called_one_and_compared_with_what_was_handed_on(tmp_path):
    leave(tmp_path / 'a', run_id='first')
    leave(tmp_path / 'b', worlds.won_by_a_baseline, run_id='second')
    page = tmp_path / 'comparison.html'
    assert run('report', '--compare', tmp_path / 'a', tmp_path / 'b') == 0
    rows = re.findall(r'<tr[^>]*>(.*?)</tr>', page.read_text(), re.DOTALL)
    cells = [re.findall(r'<td>(.*?)</td>', row) for row in rows]
    second, first = (row for row in cells if row and row[0] == 'complete')
    assert first[2:6] == ['stage 4', '0.00640', '−84.1 %', '−25.9 %']
    # 0.09 was handed on, and the fresh weights of that stage reached 1.35 * 0.0064.
    assert second[2:6] == ['baseline of stage 4', '0.00500', '−87.6 %', '+941.7 %']


def test_a_comparison_goes_where_it_is_asked_to(tmp_path):
    for name in 'ab':
        leave(tmp_path / name)
        assert run('report', tmp_path / name) == 0
    page = tmp_path / 'deep/er/page.html'
    folders = tmp_path / 'a', tmp_path / 'b'
    assert run('report', '--compare', *folders, '--output', page) == 0
    text = page.read_text()
    assert 'a is best' in text, 'equal run ids: the folders tell them apart'
    assert all((page.parent / link).exists() for link in links(check_page(text)))


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], 'name one run, or several with --compare'),
        (['a', '--compare', 'a', 'b'], 'name one run, or several with --compare'),
        (['a', '--output', 'x.html'], '--output is for --compare'),
        (['gone'], 'cannot read gone/summary.json: No such file'),
        (['train'], 'train/summary.json is not the summary of a staged training'),
        (['--compare', 'a'], '2 to 12 runs can be compared, got 1'),
        (['--compare', 'a', './a'], 'is named twice'),
        (['--compare', 'a', 'gone'], 'cannot read gone/summary.json'),
        (['--compare', 'a', 'b', '--output', 'a'], '--output is a, which is a folder'),
    ],
)
def test_what_cannot_be_is_one_line(words, message, folder, capsys):
    for name in 'ab':
        leave(folder / name, lambda _: worlds.EMPTY)
    write_text(folder / 'train/summary.json', '{"run": "x", "hybrid": 0.01}')
    assert run('report', *words) == 1
    assert message in error_of(capsys)
    assert not list(folder.rglob('*.html'))
