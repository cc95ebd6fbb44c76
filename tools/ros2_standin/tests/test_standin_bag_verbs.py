"""The bag verbs print what the real tool prints, and end in one line where they cannot go on."""

from collections.abc import Iterator
import re
import signal

import pytest

pytest.importorskip('rclpy')

from ros2_standin import app
from ros2_standin.bagging.recording import Choice
from ros2_standin.verbs import bag_play, bag_record
import standin_bags as bags

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers(monkeypatch, tmp_path) -> Iterator[None]:
    """Let the verbs run in this process, in a folder of their own, and undo their handlers."""
    monkeypatch.setattr(app, 'find_real_ros2', lambda _: None)
    monkeypatch.chdir(tmp_path)
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)


def run(capsys, *words: str) -> tuple[int, str, str]:
    try:
        code = app.main(['bag', *map(str, words)])
    except SystemExit as error:
        code = int(error.code or 0)
    return code, *capsys.readouterr()


INFO = """
Files:             bag_0.mcap
                   bag_1.mcap
Bag size:          {size:.1f} KiB
Storage id:        mcap
ROS Distro:        jazzy
Duration:          0.900000000s
Start:             Nov 1[45] 2023 ..:..:20.000000000 .1700000000.000000000.
End:               Nov 1[45] 2023 ..:..:20.900000000 .1700000000.900000000.
Messages:          20
Topic information: Topic: /numbers . {topic}
                   Topic: /other . {topic}
Service:           0
Service information:{trail}

"""
TOPIC = 'Type: std_msgs/msg/String . Count: 10 . Serialization Format: cdr'


def test_info_prints_the_lines_of_the_real_tool(tmp_path, capsys):
    topics = {'/numbers': bags.quality(), '/other': bags.quality()}
    bags.write(tmp_path / 'bag', splits=(5,), topics=topics)
    size = sum(path.stat().st_size for path in (tmp_path / 'bag').glob('*.mcap')) / 1024
    code, out, err = run(capsys, 'info', 'bag')
    expected = INFO.format(size=size, topic=TOPIC, trail=' ?')
    assert (code, err) == (0, '') and re.fullmatch(expected, out), out
    assert run(capsys, 'info', '-t', 'bag') == (0, '/numbers\n/other\n', '')


def test_info_of_a_single_file_is_read_from_it(tmp_path, capsys):
    for storage, ending in (('mcap', 'mcap'), ('sqlite3', 'db3')):
        bags.write(tmp_path / storage, splits=(5,), storage=storage)
        code, out, _ = run(capsys, 'info', f'{storage}/{storage}_1.{ending}')
        assert code == 0 and f'Storage id:        {storage}\n' in out
        assert 'Messages:          5\n' in out and 'Duration:          0.400000000s\n' in out
        assert 'ROS Distro:        unknown\n' in out


def test_a_file_that_the_metadata_does_not_know_is_told_of(tmp_path, capsys):
    files = bags.write(tmp_path / 'bag', splits=(4,), closed=False)
    line = (
        "[WARN] [ros2bag]: 'bag' is being recorded or was cut off: bag_1.mcap not in its "
        'metadata; ros2 bag reindex adds what is whole\n'
    )
    code, out, err = run(capsys, 'info', 'bag')
    assert (code, err) == (0, line) and 'Messages:          4\n' in out
    code, out, err = run(capsys, 'play', 'bag', '--topics', '/none')
    assert (code, out) == (1, '') and err.startswith(line)
    files.give_up()
    assert run(capsys, 'reindex', 'bag')[0] == 0
    code, out, err = run(capsys, 'info', 'bag')
    assert (code, err) == (0, '') and 'Messages:          10\n' in out
    assert run(capsys, 'info', 'bag/bag_0.mcap')[2] == ''


def test_sizes_are_for_people():
    from ros2_standin.verbs.bag_info import readable

    sizes = {0: '0 B', 1023: '1023 B', 1024: '1.0 KiB', 1536: '1.5 KiB', 5 << 40: '5.0 TiB'}
    assert {size: readable(size) for size in sizes} == sizes
    assert readable(5000 << 40) == '5000.0 TiB'


def test_reindex_says_what_it_did(tmp_path, capsys):
    files = bags.write(tmp_path / 'bag', splits=(5,), closed=False)
    files.give_up()
    (tmp_path / 'bag' / 'bag_2.mcap').touch()
    code, out, err = run(capsys, 'reindex', 'bag')
    assert (code, err) == (0, '')
    assert out == (
        'bag/bag_2.mcap: cut off before its first message, left out\n'
        'bag/bag_1.mcap: cut off, written anew to its last whole record\n'
        'bag/metadata.yaml: 10 messages in bag_0.mcap, bag_1.mcap\n'
    )
    assert bags.read(tmp_path / 'bag') == list(range(10))


REAL = 'not part of this stand-in, it needs the real ros2'
WRONG = {
    'record': (1, 'Need to specify at least one option out of --all, '),
    'record -o bag -a': (1, "Output folder 'bag' already exists."),
    'record -o bag/metadata.yaml/x -a': (1, "Output folder 'bag/metadata.yaml/x' cannot be made"),
    'record -a --nonsense': (2, 'unrecognized arguments: --nonsense'),
    'record -a -s rosbag1': (2, "argument -s/--storage: invalid choice: 'rosbag1'"),
    'record -a --storage-preset-profile slow': (1, "preset 'slow' is not one of none, fastwrite"),
    'record -a -s sqlite3 --storage-preset-profile zstd_fast': (1, 'is not one of none, resilien'),
    'record -a --compression-mode file': (1, '--compression-mode needs --compression-format zstd'),
    'record -a --compression-format zstd': (1, 'Cannot specify compression format without a comp'),
    'record -a --compression-mode message --compression-format zstd': (1, 'mcap does not take'),
    'record -a --compression-mode file --compression-format lz4': (2, "invalid choice: 'lz4'"),
    'record -a --max-bag-size 100': (1, '--max-bag-size is 100, must be at least 1024'),
    'record -a -s sqlite3 -b 5000': (1, '--max-bag-size is 5000, must be at least 86016'),
    'record -a -d 1.5': (2, '-d/--max-bag-duration: 1.5 is not an integer, 0 or more'),
    'record -a --max-cache-size -1': (2, '--max-cache-size: -1 is not an integer, 0 or more'),
    'record -e (': (2, "'(' is no regular expression: "),
    'record /x --exclude-topics /y': (1, '--exclude-topics argument requires either --all, '),
    'record /x --exclude-regex y': (1, '--exclude-regex argument requires either --all, '),
    'record -a --custom-data a': (1, "--custom-data 'a' is not KEY=VALUE"),
    'record -a --node-name a/b': (1, "'a/b' is no name for a node"),
    'record -a --start-paused': (2, f'ros2 bag record --start-paused: {REAL}'),
    'record -a --snapshot-mode': (2, f'--snapshot-mode: {REAL}'),
    'record --all-services': (2, f'--all-services: {REAL}'),
    'record -a --qos-profile-overrides-path x': (2, f'--qos-profile-overrides-path: {REAL}'),
    'record -a -f cdr': (2, f'ros2 bag record -f: {REAL}'),
    'play': (1, 'Must specify one bag'),
    'play gone': (1, "bag 'gone' does not exist"),
    'play empty': (1, "Could not find metadata for bag directory: 'empty'; ros2 bag reindex"),
    'play bag -i bag': (1, 'several bags at once need the real ros2'),
    'play bag --rate 0': (2, 'argument -r/--rate: 0 is not in the valid range (> 0.0)'),
    'play bag --rate fast': (2, 'argument -r/--rate: fast is not a number'),
    'play bag --rate nan': (2, 'argument -r/--rate: nan is not in the valid range'),
    'play bag -d -1': (2, 'argument -d/--delay: -1 is not 0 or more'),
    'play bag --start-offset inf': (2, 'argument --start-offset: inf is not 0 or more'),
    'play bag --wait-for-all-acked -1': (2, '--wait-for-all-acked: -1 is not an integer'),
    'play bag --topics /none': (1, "no topic of 'bag' is to be played"),
    'play bag --remap /a=/b': (1, "--remap '/a=/b' is not OLD:=NEW"),
    'play bag --exclude-regex [': (2, "'[' is no regular expression: "),
    'play bag --start-paused': (2, f'ros2 bag play --start-paused: {REAL}'),
    'play bag -p': (2, f'ros2 bag play -p: {REAL}'),
    'play bag --clock-topics /x /y': (2, f'--clock-topics: {REAL}'),
    'play bag --playback-until-sec 1 --playback-until-nsec 1': (2, 'not allowed with argument'),
    'play damaged': (1, "'damaged/damaged_0.mcap' cannot be read: "),
    'play torn/torn_0.mcap': (1, 'try ros2 bag reindex'),
    'play incomplete': (1, "'incomplete': incomplete_0.mcap is missing"),
    'info gone': (1, "bag 'gone' does not exist"),
    f'info {"x" * 300}': (1, "ros2: File name too long: 'xxx"),
    'info': (2, 'the following arguments are required: bag_path'),
    'info empty': (1, 'ros2 bag reindex writes it anew'),
    'info incomplete': (1, "'incomplete': incomplete_0.mcap is missing"),
    'info not_yaml': (1, "'not_yaml/metadata.yaml' cannot be read: "),
    'info short': (1, "the metadata of 'short' cannot be read: KeyError"),
    'info torn/torn_0.mcap': (1, 'try ros2 bag reindex'),
    'reindex empty': (1, "'empty' has no .mcap or .db3 files"),
    'reindex gone': (1, "'gone' has no .mcap or .db3 files"),
    'reindex bag -s text': (2, "invalid choice: 'text'"),
}


@pytest.fixture(scope='module')
def faulty(tmp_path_factory):
    """Give a folder with bags, most of which have something wrong."""
    root = tmp_path_factory.mktemp('faulty')
    for name in ('bag', 'damaged', 'incomplete', 'not_yaml', 'short'):
        bags.write(root / name, size=100, preset='zstd_fast')
    (root / 'empty').mkdir()
    bags.write(root / 'torn', closed=False).give_up()
    (root / 'incomplete' / 'incomplete_0.mcap').unlink()
    (root / 'not_yaml' / 'metadata.yaml').write_text('a: [')
    text = (root / 'short' / 'metadata.yaml').read_text()
    (root / 'short' / 'metadata.yaml').write_text(text.replace('duration:', 'other:', 1))
    path = root / 'damaged' / 'damaged_0.mcap'
    data = bytearray(path.read_bytes())
    at = data.index(b'\x28\xb5\x2f\xfd') + 20
    data[at : at + 40] = bytes(40)
    path.write_bytes(data)
    return root


@pytest.mark.parametrize('words', WRONG)
def test_what_is_wrong_is_said_in_one_line(faulty, monkeypatch, capsys, words):
    monkeypatch.chdir(faulty)
    before = sorted(faulty.rglob('*'))
    code, out, err = run(capsys, *words.split())
    assert (code, out) == (WRONG[words][0], '')
    lines = [line for line in err.splitlines() if '[WARN]' not in line]
    assert len(lines) == 1 and WRONG[words][1] in lines[0], err
    assert sorted(faulty.rglob('*')) == before


def test_topics_are_chosen_as_in_the_real_tool(capsys):
    def chosen(*words: str) -> set[str]:
        choice = bag_record.choice_from(bag_record.build_parser().parse_args(words))
        topics = {'/a': 'X', '/b/c': 'Y', '/d': 'X', '/_hidden': 'X', '/b/_hidden': 'Y'}
        return {topic for topic, kind in topics.items() if choice.takes(topic, kind)}

    assert chosen('-a') == chosen('--all-topics') == {'/a', '/b/c', '/d'}
    assert chosen('-a', '--include-hidden-topics') == {
        '/a', '/b/c', '/d', '/_hidden', '/b/_hidden',
    }  # fmt: skip
    assert chosen('a', '/d') == chosen('--topics', '/a', 'd') == {'/a', '/d'}
    assert chosen('--topics', '/_hidden') == set()
    assert chosen('--topic-types', 'Y') == {'/b/c'}
    assert chosen('-e', 'c') == {'/b/c'}
    assert chosen('-e', 'c', '--topics', '/a') == {'/a', '/b/c'}
    assert chosen('-a', '--exclude-topics', 'a') == {'/b/c', '/d'}
    assert chosen('-a', '--exclude-regex', '^/b') == {'/a', '/d'}
    assert chosen('-a', '--exclude-topic-types', 'X') == {'/b/c'}
    assert Choice(topics=('/a',)).is_closed
    assert not any(c.is_closed for c in (Choice(everything=True), Choice(regex='a')))


def test_topics_are_played_as_in_the_real_tool():
    def played(*words: str) -> str:
        arguments = bag_play.build_parser().parse_args(['bag', *words])
        topics = ('/a', '/b', '/clock')
        return ' '.join(topic for topic in topics if bag_play.is_wanted(topic, arguments))

    assert played() == '/a /b /clock'
    assert played('--clock') == '/a /b'
    assert played('--topics', 'a', '/b') == '/a /b'
    assert played('-e', '^/[ab]', '-x', 'b') == '/a'
    assert played('--exclude-topics', 'a') == '/b /clock'


def test_of_two_ends_the_later_one_counts():
    def end(*words: str) -> float | None:
        arguments = bag_play.build_parser().parse_args(['bag', *words])
        return bag_play.pace_from(arguments, 100_000_000_000).end_s

    assert end() is None and end('--playback-duration', '-1') is None
    assert end('--playback-duration', '2', '--start-offset', '3') == 5.0
    assert end('--playback-until-sec', '104') == end('--playback-until-nsec', '104000000000') == 4
    assert end('--playback-until-sec', '104', '--playback-duration', '9') == 9.0
