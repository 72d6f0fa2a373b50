"""The Redis that tests of shared stores run on."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


def test_a_real_redis_answers(redis_url: str) -> None:
    place = urlsplit(redis_url)
    with socket.create_connection((place.hostname, place.port), 5) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(16) == b"+PONG\r\n"
