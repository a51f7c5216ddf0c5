"""Who a request counts as for the rate limits, and whether the proxy before us is trusted."""

import logging
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from bot.runtime import Runtime
from storage.reports.daily_counters import UNTRUSTED_PROXY, increment_counter

log = logging.getLogger("rj.web")


def network(host: str) -> str:
    """Return an IPv4 address, or of an IPv6 address the /64 that one household has."""
    try:
        found = ip_address(host)
    except ValueError:
        return host[:60]
    return str(int(found) >> 64) if isinstance(found, IPv6Address) else host


async def note_untrusted_proxy(runtime: Runtime, http: Request) -> None:
    """Count, once an hour, that a proxy is not trusted: all its visitors share their limits.

    The server puts the address that a trusted proxy names in the place of the proxy's own.
    """
    forwarded_for = http.headers.get("x-forwarded-for", "")
    if not forwarded_for or http.client is None or http.client.host in forwarded_for:
        return
    if runtime.limiter.allow("1/hour", *UNTRUSTED_PROXY):
        log.warning("proxy_not_trusted")
        await runtime.database.write(increment_counter, *UNTRUSTED_PROXY)
