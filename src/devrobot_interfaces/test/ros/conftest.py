"""A ROS context of its own for these tests."""

import os

import pytest
import rclpy


@pytest.fixture
def context(monkeypatch):
    """Return a context that only sees this machine and its own domain."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    own = rclpy.Context()
    rclpy.init(context=own, domain_id=int(os.environ.get('ROS_DOMAIN_ID', '42')))
    yield own
    own.try_shutdown()
