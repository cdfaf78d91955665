"""The client of asyncio."""

from __future__ import annotations

import asyncio
from typing import Callable, Optional

from ._client import Core


class AsyncClient(Core):
    """Client with flush and close to be awaited. enqueue does not wait, and is no coroutine.

    The settings are those of Client. Callbacks are called from the client's thread; one that
    uses the loop does so by loop.call_soon_threadsafe.
    """

    async def flush(self, timeout: Optional[float] = 30.0) -> bool:
        """Do what Client.flush does, without blocking the loop."""
        future: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        result = self._begin_flush(_finisher(future))
        return await _is_done(future, timeout) if result is None else result

    async def close(self, timeout: Optional[float] = 5.0) -> bool:
        """Do what Client.close does, without blocking the loop."""
        loop = asyncio.get_running_loop()
        future: "asyncio.Future[None]" = loop.create_future()
        result = self._begin_close(timeout, _finisher(future))
        if result is None:
            if not await _is_done(future, timeout):
                await loop.run_in_executor(None, self._finish)
            result = self._all_sent
        return result

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def _finisher(future: "asyncio.Future[None]") -> Callable[[], None]:
    """Return a function that completes a future from another thread."""
    loop = future.get_loop()

    def complete() -> None:
        if not future.done():
            future.set_result(None)

    def finish() -> None:
        try:
            loop.call_soon_threadsafe(complete)
        except RuntimeError:
            pass  # the loop is closed, and no one waits

    return finish


async def _is_done(future: "asyncio.Future[None]", timeout: Optional[float]) -> bool:
    done, _ = await asyncio.wait({future}, timeout=timeout)
    return bool(done)
