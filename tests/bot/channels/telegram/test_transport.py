"""The transport under the library's client: what fails is one of its errors, without the token."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from telegram.error import NetworkError, TimedOut

from bot.channels.telegram.transport import AiohttpRequest
from tests.support.ports import free_port

TOKEN = "7000000001:canary-of-a-token"


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpRequest]:
    """Give a transport that is open, and patient for a fifth of a second."""
    made = AiohttpRequest(connections=1, read_timeout=0.2)
    await made.initialize()
    yield made
    await made.shutdown()


async def test_nobody_there_is_an_error_of_the_library_without_the_token(
    transport: AiohttpRequest,
) -> None:
    with pytest.raises(NetworkError) as failed:
        await transport.post(f"http://127.0.0.1:{free_port()}/bot{TOKEN}/getMe")
    assert "Connector" in str(failed.value)
    assert TOKEN not in repr(failed.value)


async def test_an_address_that_is_none_does_not_repeat_the_token(
    transport: AiohttpRequest,
) -> None:
    with pytest.raises(NetworkError) as failed:
        await transport.post(f"http://[x/bot{TOKEN}/getMe")
    assert TOKEN not in repr(failed.value)


@pytest.mark.parametrize("usual", [True, False])
async def test_silence_is_a_time_out(transport: AiohttpRequest, usual: bool) -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bot{TOKEN}/getMe"
    with pytest.raises(TimedOut) as failed:
        await (transport.post(address) if usual else transport.post(address, read_timeout=0.1))
    assert TOKEN not in repr(failed.value)
    server.close()


async def test_a_transport_that_is_closed_sends_nothing() -> None:
    with pytest.raises(NetworkError, match="not open"):
        await AiohttpRequest(connections=1, read_timeout=1).do_request("http://x.test", "POST")
