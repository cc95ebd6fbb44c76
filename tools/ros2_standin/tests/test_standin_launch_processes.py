"""Launch starts, restarts and stops real processes, and leaves none behind."""

import os
from pathlib import Path
import re
import signal
import time

import pytest

READY = "os.write(1, f'ready {os.getpid()}\\n'.encode())"
WAIT = f'import os, signal\n{READY}\nsignal.pause()'
STUBBORN = (
    'import os, signal, sys\n'
    'for name in sys.argv[1].split(","): signal.signal(getattr(signal, name), signal.SIG_IGN)\n'
    f'{READY}\nwhile True: signal.pause()'
)
POLITE = (
    'import os, signal, sys\n'
    'signal.signal(signal.SIGINT, lambda *_: (os.write(1, b"bye\\n"), sys.exit(0)))\n'
    f'{READY}\nsignal.pause()'
)
NODE = 'node pkg="tiny" output="screen"'


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def wait_until_gone(pids, deadline_s=20.0):
    end = time.monotonic() + deadline_s
    while any(map(is_alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return [pid for pid in pids if is_alive(pid)]


def ready(count):
    return lambda text: text.count('] ready ') >= count


def pids_in(text):
    return [int(pid) for pid in re.findall(r'ready (\d+)', text)]


def test_ctrl_c_stops_everything_and_is_no_failure(workspace, start):
    workspace.executable('polite', POLITE)
    path = workspace.launch_file(f'<{NODE} exec="polite"/><{NODE} exec="polite"/>')
    running = start('launch', path)
    pids = pids_in(running.wait_for(ready(2)))
    assert running.stop(signal.SIGINT) == 0
    assert wait_until_gone(pids) == []
    text = running.text
    for label, pid in zip(('polite-1', 'polite-2'), sorted(pids), strict=True):
        assert f'[INFO] [{label}]: process started with pid [{pid}]\n' in text
        assert f"[INFO] [{label}]: sending signal 'SIGINT' to process[{label}]\n" in text
        assert f'[{label}] bye\n' in text
        assert f'[INFO] [{label}]: process has finished cleanly [pid {pid}]\n' in text
    assert '[WARNING] [launch]: user interrupted with ctrl-c (SIGINT)\n' in text


def test_the_ids_that_launch_prints_are_those_of_the_programs(workspace, start):
    workspace.executable('polite', POLITE)
    running = start('launch', workspace.launch_file(f'<{NODE} exec="polite"/>'))
    (pid,) = pids_in(running.wait_for(ready(1)))
    assert f'process started with pid [{pid}]' in running.text
    assert os.getpgid(pid) == pid
    running.stop()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_stop_everything_too(workspace, start, number):
    workspace.executable('polite', POLITE)
    running = start('launch', workspace.launch_file(f'<{NODE} exec="polite"/>'))
    pids = pids_in(running.wait_for(ready(1)))
    assert running.stop(number) == 0
    assert wait_until_gone(pids) == [] and '] bye\n' in running.text


def test_sigint_works_from_a_shell_that_ignores_it(workspace, start):
    workspace.executable('wait', WAIT)
    path = workspace.launch_file(f'<{NODE} exec="wait"/>')
    running = start('launch', path, wrapper=('sh', '-c', 'trap "" INT; exec "$@"', 'sh'))
    running.wait_for(ready(1))
    assert running.stop(signal.SIGINT) == 0
    assert 'escalating' not in running.text


def test_stopping_escalates_step_by_step(workspace, start):
    workspace.executable('stubborn', STUBBORN)
    path = workspace.launch_file(
        f'<{NODE} exec="stubborn" args="SIGINT"/><{NODE} exec="stubborn" args="SIGINT,SIGTERM"/>'
    )
    running = start('launch', path, 'sigterm_timeout:=0.3', 'sigkill_timeout:=0.3')
    pids = pids_in(running.wait_for(ready(2)))
    assert running.stop() == 1, 'a process that had to be killed is not a clean end'
    assert wait_until_gone(pids) == []
    text = running.text
    for label in ('stubborn-1', 'stubborn-2'):
        assert (
            f"[ERROR] [{label}]: process[{label}] failed to terminate '0.3' seconds after "
            "receiving 'SIGINT', escalating to 'SIGTERM'\n"
        ) in text
    assert text.count("escalating to 'SIGKILL'") == 1
    assert (
        "process[stubborn-2] failed to terminate '0.3' seconds after receiving 'SIGTERM'" in text
    )


@pytest.mark.parametrize('code', [0, 7])
def test_the_end_of_a_required_process_stops_all(workspace, start, code):
    workspace.executable('polite', POLITE)
    workspace.executable('short', f'import sys\nsys.exit({code})')
    path = workspace.launch_file(
        f'<{NODE} exec="polite"/><{NODE} exec="short" on_exit="shutdown"/>'
    )
    running = start('launch', path)
    assert running.process.wait(30.0) == (0 if code == 0 else 1)
    assert wait_until_gone(pids_in(running.text)) == []
    if code:
        assert re.search(
            rf'\[ERROR\] \[short-2\]: process has died \[pid \d+, exit code {code}, cmd \'.*\'\]',
            running.text,
        )


def test_other_processes_may_end_and_launch_goes_on(workspace, start):
    workspace.executable('polite', POLITE)
    workspace.executable('short', 'raise SystemExit(7)')
    path = workspace.launch_file(f'<{NODE} exec="short"/><{NODE} exec="polite"/>')
    running = start('launch', path)
    running.wait_for(lambda text: 'exit code 7' in text and '] ready' in text)
    assert running.process.poll() is None
    assert running.stop() == 0


def test_launch_ends_when_all_processes_did(workspace, start):
    workspace.executable('short', '')
    running = start('launch', workspace.launch_file(f'<{NODE} exec="short"/>'))
    assert running.process.wait(30.0) == 0


def test_a_respawning_process_comes_back_and_stopping_ends_that(workspace, start):
    workspace.executable('short', 'print("again", flush=True)')
    path = workspace.launch_file(f'<{NODE} exec="short" respawn="true" respawn_delay="0.05"/>')
    running = start('launch', path)
    running.wait_for(lambda text: text.count('[short-1] again\n') >= 3)
    assert running.stop() == 0


def test_a_waiting_respawn_does_not_hold_up_the_stop(workspace, start):
    workspace.executable('short', '')
    path = workspace.launch_file(f'<{NODE} exec="short" respawn="true" respawn_delay="1000"/>')
    running = start('launch', path)
    running.wait_for(lambda text: 'finished cleanly' in text)
    assert running.stop() == 0


def test_nothing_is_left_when_launch_is_killed(workspace, start):
    workspace.executable('wait', WAIT)
    running = start('launch', workspace.launch_file(f'<{NODE} exec="wait"/><{NODE} exec="wait"/>'))
    pids = pids_in(running.wait_for(ready(2)))
    assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    assert wait_until_gone(pids) == []


def test_the_kernel_stops_the_children_if_the_watcher_is_killed_as_well(workspace, start):
    workspace.executable('wait', WAIT)
    running = start('launch', workspace.launch_file(f'<{NODE} exec="wait"/>'))
    pids = pids_in(running.wait_for(ready(1)))
    launch = running.process.pid
    children = Path(f'/proc/{launch}/task/{launch}/children').read_text().split()
    (watcher,) = {int(pid) for pid in children} - set(pids)
    os.kill(watcher, signal.SIGKILL)
    running.stop(signal.SIGKILL)
    assert wait_until_gone(pids) == []


FORKING = (
    'import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
    f'os.fork()\n{READY}\nwhile True: signal.pause()'
)
QUICK_WATCHER = (
    'import sys\nfrom ros2_standin import app\nfrom ros2_standin.launching import watcher\n'
    'watcher.GRACE_S = 0.2\nsys.exit(app.main())'
)


def test_stubborn_processes_and_their_children_do_not_outlive_a_killed_launch(workspace, start):
    workspace.executable('forking', FORKING)
    path = workspace.launch_file(f'<{NODE} exec="forking"/>')
    running = start('launch', path, code=QUICK_WATCHER)
    pids = pids_in(running.wait_for(ready(2)))
    running.stop(signal.SIGKILL)
    assert wait_until_gone(pids) == []


def test_children_of_an_ended_process_are_stopped_with_it(workspace, start):
    leaving = (
        'import os, signal, time\nparent = os.getpid()\nif os.fork() == 0:\n'
        f'  {READY}\n  signal.pause()\nelse:\n  signal.sigtimedwait([], 0.5)'
    )
    workspace.executable('leaving', leaving)
    running = start('launch', workspace.launch_file(f'<{NODE} exec="leaving"/>'))
    assert running.process.wait(30.0) == 0
    (pid,) = pids_in(running.text)
    assert wait_until_gone([pid]) == []


def test_a_closed_terminal_stops_everything(workspace, start):
    workspace.executable(
        'talker',
        f'import os, time\n{READY}\nwhile True:\n  print("x", flush=True); time.sleep(0.02)',
    )
    path = workspace.launch_file(f'<{NODE} exec="talker"/>')
    running = start('launch', path, wrapper=('sh', '-c', '"$@" | head -n 4; cat >/dev/null', 'sh'))
    (pid,) = pids_in(running.wait_for(ready(1)))
    assert wait_until_gone([pid]) == []


def test_output_is_shown_as_asked_and_kept_in_the_log(workspace, start):
    workspace.executable(
        'both', 'import sys\nprint("to out")\nprint("to err", file=sys.stderr)\n'
        'print("no newline", end="", file=sys.stderr)'
    )  # fmt: skip
    path = workspace.launch_file('<node pkg="tiny" exec="both" exec_name="quiet"/>')
    running = start('launch', path)
    assert running.process.wait(30.0) == 0
    assert '[quiet-1] to err\n[quiet-1] no newline\n' in running.text
    assert 'to out' not in running.text
    (log,) = (workspace.root / 'log').glob('*/launch.log')
    assert '[quiet-1] to out\n' in log.read_text()
    shown = start('launch', '-a', path)
    assert shown.process.wait(30.0) == 0 and '[quiet-1] to out\n' in shown.text


def test_executables_with_and_without_a_shell(workspace, start):
    path = workspace.launch_file(
        '<executable cmd="sh -c \'echo $0 | tr a-z A-Z\' word" output="screen"/>'
        '<executable cmd="echo one | tr a-z A-Z" shell="true" name="piped" output="screen">'
        '<env name="X" value="1"/></executable>'.replace('$0', r'\$0')
    )
    running = start('launch', path)
    assert running.process.wait(30.0) == 0
    assert '[sh-1] WORD\n' in running.text and '[piped-2] ONE\n' in running.text


def test_a_program_that_cannot_be_run_is_an_error_line(workspace, start):
    path = workspace.launch_file('<executable cmd="/no/such/program" on_exit="shutdown"/>')
    running = start('launch', path)
    assert running.process.wait(30.0) == 1
    assert "[ERROR] [program-1]: cannot run '/no/such/program': No such file" in running.text


def test_nothing_is_started_if_anything_in_the_file_is_wrong(workspace, start):
    workspace.executable('short', 'print("ran", flush=True)')
    path = workspace.launch_file(f'<{NODE} exec="short"/>\n<log message="$(var gone)"/>')
    running = start('launch', path)
    assert running.process.wait(30.0) == 1
    assert f"ros2: {path}:3: launch configuration 'gone' does not exist" in running.text
    assert 'process started' not in running.text
