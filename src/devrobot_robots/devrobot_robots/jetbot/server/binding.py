"""Which address the server listens on: this machine's loopback, or a network interface by name."""

import fcntl
import ipaddress
import os
import socket
import struct

SIOCGIFADDR = 0x8915
LOOPBACK = '127.0.0.1'


class BindError(ValueError):
    """The server must not, or cannot, listen there."""


def address_of(interface: str) -> str:
    """
    Return the IPv4 address to listen on.

    :param interface: a name such as ``wlan0``, or a loopback address.
    :raises BindError: if it is another address, or an interface without one.
    """
    try:
        address = ipaddress.ip_address(interface)
    except ValueError:
        return _address_of_interface(interface)
    if not address.is_loopback or address.version != 4:
        raise BindError(
            '--interface is {}: name the network interface instead, such as wlan0 '
            '(there are: {}), or use {}'.format(interface, ', '.join(_interfaces()), LOOPBACK)
        )
    return str(address)


def _address_of_interface(name: str) -> str:
    if name not in _interfaces():
        raise BindError(
            '--interface is {!r}, which is no network interface; there are: {}'.format(
                name, ', '.join(_interfaces())
            )
        )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        request = struct.pack('256s', name.encode()[:15])
        try:
            answer = fcntl.ioctl(asker.fileno(), SIOCGIFADDR, request)
        except OSError:
            raise BindError(f'network interface {name} has no IPv4 address (yet)') from None
    return socket.inet_ntoa(answer[20:24])


def has_moved(interface: str, address: str) -> bool:
    """Tell whether an interface has another address now; one without is waited for."""
    try:
        return address_of(interface) != address
    except BindError:
        return False


def _interfaces() -> 'list[str]':
    return sorted(name for _, name in socket.if_nameindex())


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can reach the address."""
    return ipaddress.ip_address(address).is_loopback


def unreadable(paths: 'list[str]') -> 'list[str]':
    """Return the files that cannot be read."""
    return [path for path in paths if not os.access(path, os.R_OK)]
