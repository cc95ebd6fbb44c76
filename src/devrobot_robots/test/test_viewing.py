"""Pictures for people: as text, and as a page on this computer."""

from http.client import HTTPConnection
import re
from urllib.parse import urlsplit

from devrobot_robots.viewing.browser import PicturePage
from devrobot_robots.viewing.terminal import picture_text, UPPER_HALF
import numpy as np
import pytest


def test_a_character_shows_two_pixels_one_above_the_other():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0], image[1, 0] = (255, 0, 0), (0, 0, 255)
    text = picture_text(image, columns=2, rows=1)
    assert text.startswith(f'\x1b[38;2;255;0;0;48;2;0;0;255m{UPPER_HALF}')
    assert text.endswith('\x1b[0m')


@pytest.mark.parametrize(
    ('columns', 'rows', 'size'), [(40, 100, (40, 12)), (400, 6, (20, 6)), (1, 1, (1, 1))]
)
def test_a_picture_keeps_its_proportions_and_fits(columns, rows, size):
    lines = picture_text(np.zeros((36, 60, 3), np.uint8), columns=columns, rows=rows).split('\n')
    assert (len(re.findall(UPPER_HALF, lines[0])), len(lines)) == size


def test_the_page_streams_the_newest_picture():
    page = PicturePage(0)
    address = urlsplit(page.open())
    assert address.hostname == '127.0.0.1'
    page.show(b'first')
    page.show(b'JPEG')
    connection = HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request('GET', '/')
    assert b'/stream' in connection.getresponse().read()
    connection.request('GET', '/stream')
    response = connection.getresponse()
    assert response.getheader('Content-Type') == 'multipart/x-mixed-replace; boundary=picture'
    head = b'--picture\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n'
    assert response.read(len(head) + 6) == head + b'JPEG\r\n'
    page.show(b'next')
    assert response.read(len(head) + 6) == head + b'next\r\n'
    connection.close()
    other = HTTPConnection(address.hostname, address.port, timeout=10)
    other.request('GET', '/../etc/passwd')
    assert other.getresponse().status == 404
    other.close()
    page.close()
