"""Start of the web socket server, with errors that say what to do."""

from pathlib import Path
from typing import Any

from devrobot_bringup.foxglove.config import FoxgloveConfig
import foxglove
from foxglove.websocket import Capability, WebSocketServer

SERVER_NAME = 'devrobot'


class ServerStartError(RuntimeError):
    """The server cannot listen; the message names the address and the way out."""


def start_server(
    config: FoxgloveConfig,
    *,
    listener: Any,
    context: foxglove.Context,
    sends_time: bool,
) -> WebSocketServer:
    """
    Start to listen as ``config`` says.

    :raises ServerStartError: if the port is taken, the address unknown or TLS files unreadable.
    """
    capabilities = [Capability.ConnectionGraph, Capability.Parameters, Capability.Services]
    if sends_time:
        capabilities.append(Capability.Time)
    certificate, key = _read_tls(config)
    try:
        return foxglove.start_server(
            name=SERVER_NAME,
            host=config.address,
            port=config.port,
            capabilities=capabilities,
            server_listener=listener,
            supported_encodings=['cdr'],
            context=context,
            message_backlog_size=config.message_backlog_size,
            tls_cert=certificate,
            tls_key=key,
        )
    except (RuntimeError, ValueError) as error:
        raise ServerStartError(_explain(config, str(error))) from error


def _read_tls(config: FoxgloveConfig) -> tuple[bytes | None, bytes | None]:
    if not config.certfile:
        return None, None
    try:
        return Path(config.certfile).read_bytes(), Path(config.keyfile).read_bytes()
    except OSError as error:
        raise ServerStartError(f'cannot read the TLS certificate or key: {error}') from error


def _explain(config: FoxgloveConfig, problem: str) -> str:
    place = f'{config.address}:{config.port}'
    if 'in use' in problem:
        return (
            f'port {config.port} on {config.address} is already in use: stop the program that '
            f'has it, or take another port with foxglove_port:={_other_port(config.port)} '
            f'(parameter port of this node)'
        )
    return f'cannot listen on {place}: {problem}; see the parameters address and port'


def _other_port(port: int) -> int:
    return port + 1 if port < 65535 else 8766
