#!/usr/bin/env python3
"""What kube-proxy is to a Service: new connections go to the ready replicas in turn, and stay there, also when their replica is
no longer ready.

    balancer.py --listen 127.0.0.1:0 --backend 127.0.0.1:9443,http://127.0.0.1:8081/readyz --backend …

Prints "ready PORT". Whether a replica is ready is asked as a kubelet would, only more often."""

import argparse
import asyncio
import contextlib
import urllib.parse

PROBE_PERIOD = 0.1


class Backend:
    def __init__(self, text):
        address, self.health = text.split(",", 1)
        self.host, port = address.rsplit(":", 1)
        self.port, self.ready = int(port), False

    async def probe(self):
        place = urllib.parse.urlparse(self.health)
        while True:
            ready = False
            with contextlib.suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(5):
                    reader, writer = await asyncio.open_connection(place.hostname, place.port)
                    writer.write(f"GET {place.path} HTTP/1.0\r\nHost: {place.netloc}\r\n\r\n".encode())
                    ready = b" 200 " in await reader.readline()
                    writer.close()
            self.ready = ready
            await asyncio.sleep(PROBE_PERIOD)


async def pump(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


class Balancer:
    def __init__(self, backends):
        self.backends, self.next = backends, 0

    async def connect(self):
        """To the next one that is ready and can be reached."""
        for _ in range(2 * len(self.backends)):
            backend = self.backends[self.next % len(self.backends)]
            self.next += 1
            if backend.ready:
                with contextlib.suppress(OSError):
                    return await asyncio.open_connection(backend.host, backend.port)
        return None, None

    async def serve(self, reader, writer):
        there_reader, there_writer = await self.connect()
        if there_writer is None:
            writer.close()
            return
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--backend", action="append", required=True, help="address,URL of its health")
    options = parser.parse_args()
    balancer = Balancer([Backend(text) for text in options.backend])
    host, port = options.listen.rsplit(":", 1)
    probes = [asyncio.create_task(backend.probe()) for backend in balancer.backends]
    server = await asyncio.start_server(balancer.serve, host, int(port))
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.gather(server.serve_forever(), *probes)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
