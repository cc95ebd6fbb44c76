"""The settings of the Foxglove server refuse what cannot work."""

from pathlib import Path

from devrobot_bringup.foxglove.config import FoxgloveConfig
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.parameter_tables import markdown_table
import pytest


def test_default_listens_on_the_loopback_only():
    assert FoxgloveConfig().address == '127.0.0.1'
    assert FoxgloveConfig().is_local
    assert not FoxgloveConfig(address='0.0.0.0').is_local


def test_default_backlog_keeps_a_slow_viewer_close_to_the_present():
    assert 8 <= FoxgloveConfig().message_backlog_size <= 32


def test_port_out_of_range_is_refused():
    with pytest.raises(ConfigError, match='port.*65536'):
        FoxgloveConfig(port=65536)


def test_broken_pattern_is_named():
    with pytest.raises(ConfigError, match=r"topic_whitelist: '\[' is not a regular expression"):
        FoxgloveConfig(topic_whitelist=('/fine', '['))


def test_certificate_without_key_is_refused():
    with pytest.raises(ConfigError, match='must be given together'):
        FoxgloveConfig(certfile='cert.pem')


def test_table_in_the_readme_is_what_the_settings_say():
    readme = (Path(__file__).parents[1] / 'README.md').read_text()
    begin, end = '<!-- parameters: generated -->\n', '<!-- end of parameters -->'
    table = readme.split(begin)[1].split(end)[0]
    assert table == markdown_table(FoxgloveConfig)
