"""The only file that knows aiohttp: how the library's client reaches the Bot API."""

import json
import ssl
from functools import cache
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

IDLE_SECONDS = 30.0
"""Seconds that an idle connection is kept. Servers close theirs after 60 or 75, and a request that
meets that closing is lost, so ours goes well before."""

_JSON = {"Content-Type": "application/json"}


class AiohttpRequest(BaseRequest):
    """The library's transport over aiohttp, which takes less processor time than over httpx.

    At most `connections` are open at once; `read_timeout` is in seconds without a byte.
    """

    def __init__(self, connections: int, read_timeout: float, connect_timeout: float = 6.0) -> None:
        self._connections = connections
        self._read_timeout, self._connect_timeout = read_timeout, connect_timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Return the seconds without a byte after which an answer counts as lost."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Open the pool of connections."""
        if self._session is None:
            # The system's roots, which an operator may add to, and those of a small container.
            trusted = ssl.create_default_context()
            trusted.load_verify_locations(certifi.where())
            connector = aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=IDLE_SECONDS, ssl=trusted
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )

    async def shutdown(self) -> None:
        """Close the pool of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = BaseRequest.DEFAULT_NONE,
        write_timeout: object = BaseRequest.DEFAULT_NONE,
        connect_timeout: object = BaseRequest.DEFAULT_NONE,
        pool_timeout: object = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Return the status and the body of the answer; no error text holds the address.

        Time-outs are in seconds. A free connection is waited for without a limit of its own.

        Raises TimedOut when the answer did not come in time, NetworkError when none can come, as
        while the transport is not open.
        """
        if self._session is None:
            raise NetworkError("The transport is not open.")
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=_seconds(connect_timeout, self._connect_timeout),
            sock_read=_seconds(read_timeout, self._read_timeout),
        )
        try:
            async with self._session.request(
                method,
                url,
                data=_json(request_data),
                headers=_JSON,
                timeout=timeout,
                proxy=_proxy_for(*url.split("/", 3)[:3]),
            ) as answer:
                return answer.status, await answer.read()
        except TimeoutError:
            raise TimedOut from None
        except aiohttp.ClientError as problem:
            # The address holds the token, and some of these errors hold the address.
            raise NetworkError(type(problem).__name__) from None


# aiohttp would look through the environment, and for a .netrc, at each request.
@cache
def _proxy_for(scheme: str, _: str, host: str) -> str | None:
    """Return the proxy that the environment names for a host, None for none."""
    return None if proxy_bypass(host) else getproxies().get(scheme.rstrip(":"))


def _json(request_data: RequestData | None) -> bytes:
    # The library's own payload is JSON within JSON, each nested value encoded twice.
    return json.dumps(request_data.parameters if request_data else {}).encode()


def _seconds(asked: object, usual: float) -> float | None:
    # The library passes an object of its own for "as usual", and None for "no limit".
    return asked if asked is None or isinstance(asked, int | float) else usual
