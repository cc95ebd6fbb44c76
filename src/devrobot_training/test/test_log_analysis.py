"""A healthy log has no warning; each fault is found, with its number and a next step."""

import json

from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.cli.analyze_logs import build_parser, main
from devrobot_training.data.balance import draw_summary
from devrobot_training.data.samplers import EpochSampler, LossWeightedSampler, UniformSampler
from devrobot_training.logs.analysis import analyse
from devrobot_training.logs.findings import AnalysisConfig, Severity
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.run_log import make_log, read_log
import numpy as np
import pytest
from run_logs import event, healthy_loss, healthy_rows, PERIOD, SETTINGS, STEPS
import yaml

INFO, WARNING, PROBLEM = Severity


def findings(rows, settings=SETTINGS, **limits):
    return analyse(make_log(rows, settings), AnalysisConfig(**limits))


def bad(rows, settings=SETTINGS, **limits):
    """Return (severity, topic) of what is no mere information."""
    found = findings(rows, settings, **limits)
    return [(item.severity, item.topic) for item in found if item.severity > INFO]


def one(rows, topic, settings=SETTINGS, severity=None):
    """Return the one finding about ``topic``."""
    found = [
        item
        for item in findings(rows, settings)
        if item.topic == topic and (severity is None or item.severity == severity)
    ]
    assert len(found) == 1, found
    return found[0]


def test_a_healthy_log_has_no_warning():
    assert bad(healthy_rows()) == []
    found = {item.topic: item for item in findings(healthy_rows())}
    assert set(found) == {'progress', 'end'}
    assert 'validation 20 of 20' in found['progress'].message
    assert found['progress'].number == pytest.approx(1.01 * healthy_loss(STEPS))


def test_the_worst_comes_first_and_all_have_a_number_and_a_next_step():
    rows = healthy_rows(
        batches=lambda step, row: row.update(gradient_norm=500.0 if step == 9 else 1.0),
        stop='non_finite: loss nan at step 400',
    )
    found = findings(rows)
    assert [item.severity for item in found] == sorted(
        (item.severity for item in found), reverse=True
    )
    assert found[0].topic == 'end' and found[1].topic == 'gradients'
    for item in found:
        assert item.advice and np.isfinite(item.number)
        json.dumps(item.to_dict(), allow_nan=False)


def test_a_log_without_steps_is_a_problem():
    assert bad([event('started', 'x')]) == [(PROBLEM, 'log')]
    ended = event('stopped', 'non_finite: loss nan at step 0')
    assert bad([event('started', 'x'), ended]) == [(PROBLEM, 'log'), (PROBLEM, 'end')]


def test_few_validations_are_told_and_not_judged():
    rows = [row for row in healthy_rows() if row['kind'] != 'interval' or row['step'] <= 180]
    assert bad(rows) == []
    finding = [item for item in findings(rows) if 'too few' in item.message]
    assert len(finding) == 1 and finding[0].number == 9


# Plateau


def losses(curve, train=None):
    """Return a change of the validation losses to ``curve`` of the interval's number, from 1."""

    def change(step, row):
        row['validation']['hybrid'] = curve(step // PERIOD)
        row['train_loss'] = (train or curve)(step // PERIOD)

    return change


@pytest.mark.parametrize(
    ('curve', 'severity', 'share'),
    [
        # 20 validations; the last four gain 0.01 of 0.1.
        (lambda n: 0.2 - 0.09 * min(n - 1, 15) / 15 - 0.01 * max(0, n - 16) / 4, None, 0.1),
        # ... 0.003 of 0.1, at half of the first loss.
        (
            lambda n: 0.2 - 0.097 * min(n - 1, 15) / 15 - 0.003 * max(0, n - 16) / 4,
            WARNING,
            0.03,
        ),
        # ... 0.003 of 0.195, at a fortieth of it: converged.
        (
            lambda n: 0.2 - 0.192 * min(n - 1, 15) / 15 - 0.003 * max(0, n - 16) / 4,
            INFO,
            0.003 / 0.195,
        ),
        (lambda n: 0.2 + 0.0001 * n, PROBLEM, 0.0),
    ],
    ids=['improving', 'stuck', 'converged', 'never'],
)
def test_plateau(curve, severity, share):
    rows = healthy_rows(intervals=losses(curve))
    if severity is None:
        assert bad(rows) == []
        return
    finding = one(rows, 'plateau')
    assert finding.severity == severity and finding.number == pytest.approx(share)


def test_the_loss_that_was_trained_on_is_looked_at():
    def change(step, row):
        row['validation']['plain'] = 0.2

    rows = healthy_rows(intervals=change)
    assert bad(rows) == []
    plain = {**SETTINGS, 'loss': {'kind': 'plain'}}
    assert (PROBLEM, 'plateau') in bad(rows, plain)


# Divergence


def falling(n: int) -> float:
    return 0.2 - 0.008 * n


@pytest.mark.parametrize(
    ('validation', 'severity'),
    [
        (lambda n: falling(n) + 0.0019, None),
        (lambda n: falling(n) + 0.0021, WARNING),
        (lambda n: falling(n) + (0.05 if n == 20 else 0.0), None),  # one bad check
        (lambda n: falling(n) if n < 16 else 0.2 + 0.01 * n, PROBLEM),
        (lambda n: falling(n) - 0.01, None),
        (lambda n: falling(n) if n < 15 else 0.0, None),
    ],
    ids=['near', 'gap', 'one', 'rising', 'better', 'zero'],
)
def test_divergence(validation, severity):
    rows = healthy_rows(intervals=losses(validation, falling))
    if validation(20) == 0:
        rows = healthy_rows(intervals=losses(validation))
    expected = [] if severity is None else [(severity, 'divergence')]
    assert [item for item in bad(rows) if item[1] == 'divergence'] == expected


def test_the_number_of_a_divergence_is_the_ratio():
    rows = healthy_rows(intervals=losses(lambda n: 1.6 * falling(n), falling))
    assert one(rows, 'divergence').number == pytest.approx(1.6)
    small = [
        healthy_rows(
            intervals=losses(lambda n, r=ratio: 0.01 * r * falling(n), lambda n: 0.01 * falling(n))
        )
        for ratio in (1.49, 1.51)
    ]
    assert bad(small[0]) == [] and bad(small[1]) == [(WARNING, 'divergence')]


# Gradients and rate


@pytest.mark.parametrize(
    ('norm', 'share', 'severity', 'word'),
    [
        (101.0, 0.002, WARNING, 'exploding'),
        (101.0, 0.02, PROBLEM, 'exploding'),
        (99.0, 1.0, None, ''),
        (9e-7, 0.002, WARNING, 'vanishing'),
        (0.0, 0.5, PROBLEM, 'vanishing'),
        (2e-6, 1.0, None, ''),
    ],
)
def test_gradients(norm, share, severity, word):
    last = max(1, int(STEPS * share))
    rows = healthy_rows(
        batches=lambda step, row: row.update(gradient_norm=norm) if step <= last else None
    )
    if severity is None:
        assert bad(rows) == []
        return
    finding = one(rows, 'gradients')
    assert finding.severity == severity and finding.number == norm
    assert finding.message.startswith(f'{word}: {last} of {STEPS}')


def test_a_part_that_does_not_learn_is_named():
    rows = healthy_rows(intervals=lambda step, row: row['gradient_norms'].update(codes=1e-9))
    finding = one(rows, 'gradients')
    assert finding.severity == WARNING and 'codes had gradient norms' in finding.message
    seldom = healthy_rows(
        intervals=lambda step, row: step % 40 and row['gradient_norms'].update(codes=0.0)
    )
    assert bad(seldom) == []


def constant(step, row):
    row['learning_rate'] = 3e-4 * min(1.0, step / 40)


def test_a_constant_rate_is_told_and_a_fault_where_it_was_not_asked_for():
    rows = healthy_rows(batches=constant)
    wanted = {**SETTINGS, 'optimizer': {'schedule': 'constant'}}
    assert one(rows, 'learning rate', wanted).severity == INFO
    assert one(rows, 'learning rate', {}).severity == WARNING
    finding = one(rows, 'learning rate')
    assert finding.severity == WARNING and 'though optimizer.schedule is cosine' in finding.message
    assert finding.number == pytest.approx(3e-4)


def test_a_restart_at_a_thousandth_of_the_rate_is_a_problem():
    rows = healthy_rows(
        batches=lambda step, row: row.update(learning_rate=3e-4 if step < 200 else 3e-7)
    )
    finding = one(rows, 'learning rate')
    assert finding.severity == PROBLEM and finding.number == pytest.approx(1e-3)
    assert 'at step 200' in finding.message


@pytest.mark.parametrize(
    ('rate', 'severity', 'words'),
    [
        (lambda step: 0.0, PROBLEM, '0 all the time'),
        (lambda step: 1e-6 * step, WARNING, 'still rising at step 400'),
    ],
)
def test_rates_that_cannot_be_meant(rate, severity, words):
    rows = healthy_rows(batches=lambda step, row: row.update(learning_rate=rate(step)))
    finding = one(rows, 'learning rate')
    assert finding.severity == severity and words in finding.message


# Sampling


def with_draws(sampler, settings=SETTINGS):
    summary = draw_summary(sampler)
    rows = healthy_rows(intervals=lambda step, row: row.update(draw_counts=summary))
    return [item for item in bad(rows, settings) if item[1] == 'sampling']


WEIGHTED = {**SETTINGS, 'sampler': {'kind': 'loss_weighted', 'refresh_batches': 50}}


def weighted(observed: bool = True) -> LossWeightedSampler:
    sampler = LossWeightedSampler(100, seed=0, temperature=0.5, refresh=50)
    for _ in range(400):
        rows = sampler.draw(8)
        if observed:
            sampler.observe(rows, rows / 100)
    return sampler


def test_uneven_draws_that_are_meant_are_no_fault():
    sampler = weighted()
    counts = np.sort(sampler.counts)
    assert counts[-10:].mean() > 3 * counts[:10].mean()
    assert with_draws(sampler, WEIGHTED) == []


def test_few_draws_are_uneven_and_no_fault():
    sampler = UniformSampler(100, seed=0)
    sampler.draw(30)
    assert with_draws(sampler) == []


def test_draws_that_do_not_follow_the_shares_are_a_problem():
    uniform = UniformSampler(100, seed=0)
    uniform.counts[:] = weighted().counts
    assert with_draws(uniform) == [(PROBLEM, 'sampling')]
    epoch = EpochSampler(100, seed=0)
    epoch.draw(50)
    assert with_draws(epoch) == []
    epoch.counts[3] += 2
    assert with_draws(epoch) == [(PROBLEM, 'sampling')]


def test_losses_that_never_reach_the_sampler_are_a_problem():
    assert with_draws(weighted(observed=False), WEIGHTED) == [(PROBLEM, 'sampling')]
    assert with_draws(weighted(observed=False)) == []


def test_unseen_canvases_are_told():
    def change(step, row):
        row['draw_counts']['unseen'] = 3.0

    finding = one(healthy_rows(intervals=change), 'sampling')
    assert finding.severity == INFO and finding.number == 3


def test_a_log_that_does_not_tell_of_draws_is_not_judged():
    rows = healthy_rows(intervals=lambda step, row: row.update(draw_counts={}))
    assert bad(rows) == []
    assert one(rows, 'sampling').severity == INFO


# Speed and end


@pytest.mark.parametrize(('late', 'fault'), [(115.0, False), (105.0, True), (300.0, False)])
def test_a_drop_of_the_throughput(late, fault):
    rows = healthy_rows(
        intervals=lambda step, row: row.update(samples_per_second=160.0 if step < 300 else late)
    )
    assert bad(rows) == ([(WARNING, 'speed')] if fault else [])
    if fault:
        assert one(rows, 'speed').number == pytest.approx(1 - 105 / 160)


def test_a_slow_start_is_no_drop():
    rows = healthy_rows(
        intervals=lambda step, row: row.update(samples_per_second=999.0 if step == 20 else 50.0)
    )
    assert bad(rows) == []


@pytest.mark.parametrize(
    ('stop', 'severity'),
    [
        ('non_finite: loss nan with gradient norm inf at step 400', PROBLEM),
        ('divergence: the validation loss was far above', WARNING),
        ('plateau: the best validation loss', INFO),
        ('time: the time budget of 60 s is used up', INFO),
        ('interrupted: stopped on request', INFO),
        ('something new', INFO),
        ('', INFO),
    ],
)
def test_how_it_ended(stop, severity):
    finding = one(healthy_rows(stop=stop), 'end')
    assert finding.severity == severity and finding.number == STEPS
    assert (stop or 'no end yet') in finding.message


def test_a_run_that_was_resumed_has_no_end_yet():
    rows = [*healthy_rows(), event('resumed', 'runs/walk/monday')]
    assert 'no end yet' in one(rows, 'end').message


def test_losses_that_are_null_were_not_finite():
    rows = healthy_rows(
        batches=lambda step, row: row.update(loss=None) if step in (7, 8) else None
    )
    finding = one(rows, 'end', severity=PROBLEM)
    assert finding.number == 2 and 'of 2 of 400 steps' in finding.message


# The command


def write_run(folder, rows, settings=SETTINGS):
    folder.mkdir()
    (folder / 'config.yaml').write_text(yaml.safe_dump(settings))
    with MetricsLog(folder / 'metrics.jsonl', max_bytes=20_000) as log:
        for row in rows:
            log.write(row)
    return folder


def finished(*args) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(arg) for arg in args])
    return end.value.code


def test_the_command_reads_rotated_files_and_settings(tmp_path, capsys):
    run = write_run(tmp_path / 'monday', healthy_rows(batches=constant))
    assert (run / 'metrics.3.jsonl').exists()
    assert read_log(run).steps == STEPS
    assert finished(run, '--json', tmp_path / 'out.json') == 0
    shown = capsys.readouterr().out
    assert '400 steps, 20 validations' in shown and 'nothing looks wrong' not in shown
    assert 'warning   learning rate: constant at 0.0003' in shown
    assert '          -> --optimizer.schedule cosine' in shown
    assert max(map(len, shown.splitlines())) <= 99 + len(str(run))
    result = json.loads((tmp_path / 'out.json').read_text())
    assert result['findings'][0]['topic'] == 'learning rate'
    assert result['findings'][0]['severity'] == 'warning'


def test_the_command_says_when_nothing_looks_wrong(tmp_path, capsys):
    assert finished(write_run(tmp_path / 'monday', healthy_rows())) == 0
    assert 'nothing looks wrong' in capsys.readouterr().out


def test_the_limits_are_options(tmp_path, capsys):
    run = write_run(tmp_path / 'monday', healthy_rows())
    assert finished(run, '--exploding', '0.3') == 0
    assert 'problem   gradients: exploding' in capsys.readouterr().out
    text = build_parser().format_help()
    for name in config_to_dict(AnalysisConfig()):
        assert '--' + name.replace('_', '-') in text


@pytest.mark.parametrize('name', ['empty', 'missing'])
def test_a_folder_without_a_log_is_refused_in_one_line(tmp_path, capsys, name):
    (tmp_path / 'empty').mkdir()
    assert finished(tmp_path / name) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and 'has no metrics.jsonl: name a run folder' in error


def test_damaged_settings_are_refused_in_one_line(tmp_path, capsys):
    run = write_run(tmp_path / 'monday', healthy_rows())
    (run / 'config.yaml').write_text('a: [1')
    assert finished(run) == 1
    assert 'is not valid YAML' in capsys.readouterr().err
