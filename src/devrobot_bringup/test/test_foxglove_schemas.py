"""Definitions as text, put together with everything they use."""

from pathlib import Path

from devrobot_bringup.foxglove.schemas import SchemaError, SchemaLibrary, used_types
import pytest

FILES = {
    'geo/msg/Point.msg': 'float64 x # metres\nfloat64 y\n',
    'geo/msg/Path.msg': 'std/Header header\nPoint[] points\nPoint goal\n',
    'std/msg/Header.msg': 'time_pkg/Time stamp\nstring frame_id\n',
    'time_pkg/msg/Time.msg': 'int32 sec\n',
    'geo/srv/Plan.srv': 'Point goal\n---\nbool ok\nPath path\n',
    'geo/srv/Ping.srv': '---\n',
    'geo/srv/Broken.srv': 'bool a\n',
}


@pytest.fixture
def library(tmp_path: Path) -> SchemaLibrary:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def share_folder(package: str) -> Path:
        if not (tmp_path / package).is_dir():
            raise LookupError(package)
        return tmp_path / package

    return SchemaLibrary(share_folder)


def test_every_used_type_follows_once_after_a_separator(library):
    schema = library.message('geo/msg/Path')
    assert schema.name == 'geo/msg/Path'
    parts = schema.text.split('=' * 80 + '\n')
    assert parts[0].startswith('std/Header header')
    assert [part.splitlines()[0] for part in parts[1:]] == [
        'MSG: std/Header',
        'MSG: geo/Point',
        'MSG: time_pkg/Time',
    ]


def test_service_gives_a_request_and_a_response(library):
    request, response = library.service('geo/srv/Plan')
    assert request.name == 'geo/srv/Plan_Request'
    assert request.text.startswith('Point goal')
    assert 'MSG: geo/Point' in request.text
    assert 'MSG: geo/Path' not in request.text
    assert response.name == 'geo/srv/Plan_Response'
    assert 'MSG: geo/Path' in response.text


def test_empty_request_is_an_empty_text(library):
    request, response = library.service('geo/srv/Ping')
    assert (request.text, response.text) == ('', '')


@pytest.mark.parametrize(
    ('type_name', 'message'),
    [
        ('geo/msg/Missing', 'no definition of geo/msg/Missing'),
        ('absent/msg/Thing', 'package absent is not installed here'),
        ('geo/srv/Plan', 'geo/srv/Plan is not a msg type'),
        ('Point', "'Point' is not a type like package/msg/Name"),
    ],
)
def test_unreadable_message_type_is_named(library, type_name, message):
    with pytest.raises(SchemaError, match=message):
        library.message(type_name)


def test_service_without_two_parts_is_refused(library):
    with pytest.raises(SchemaError, match='geo/srv/Broken does not have two parts'):
        library.service('geo/srv/Broken')


def test_constants_comments_and_bounds_are_not_taken_for_types():
    plain = '# Point of no return\nuint8 OK=0\nstring<=5 name\nint32[<=3] n\nstring s "a b"\n'
    text = plain + 'Near[4] near\n'
    assert used_types(text, 'geo') == ['geo/msg/Near']
