#!/usr/bin/env python3
"""site-clients.py PORT SECONDS EXECUTIONS FILE: clients of a whole site, for scripts/soak site. Each asks one thing after the
other: a file, a part of it, several parts, a page behind a password, a local redirect, an NPH program, an upload, a
program that is to run once, 100 MB of a program's output. Every answer is compared byte by byte; EXECUTIONS is the
file in which the programs note that they ran. Tells at the end, for each kind, requests, lost, doubled and wrong, as
rows of tabs."""
import asyncio
import base64
import random
import sys
import time

port, seconds, executions, file_name = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4]
content = open(file_name, "rb").read()
PATIENCE = 30
STREAM = 100 * 1024 * 1024
UPLOAD = bytes(random.Random(1).randrange(256) for _ in range(300_000))
counts = {}  # by kind: [asked, lost, wrong]
ids = set()  # of what must have run once
problems = []


class Wrong(Exception):
    pass


async def read_body(reader, head, check=None):
    """The body by its framing; `check` takes it in pieces instead of its being returned."""
    parts = []
    take = check or parts.append
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if fields.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            take(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
    elif "content-length" in fields:
        left = int(fields["content-length"])
        while left:
            piece = await reader.read(min(left, 1 << 16))
            if not piece:
                raise ConnectionError("cut")
            left -= len(piece)
            take(piece)
    else:
        while piece := await reader.read(1 << 16):
            take(piece)
        fields["connection"] = "close"
    return fields, b"".join(parts)


def want(truth, what):
    if not truth:
        raise Wrong(what)


class Client:
    def __init__(self, kind):
        self.kind, self.reader, self.writer, self.asked = kind, None, None, 0

    async def ask(self, target, fields="", method="GET", body=b"", check=None):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 17)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.writer.write(f"{method} {target} HTTP/1.1\r\nHost: site\r\n{fields}{length}\r\n".encode() + body)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        answer_fields, answer = await read_body(self.reader, head, check)
        if answer_fields.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), answer

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.writer = None

    async def go_on(self, end):
        count = counts.setdefault(self.kind, [0, 0, 0])
        while time.monotonic() < end:
            self.asked += 1
            count[0] += 1
            try:
                await asyncio.wait_for(getattr(self, self.kind)(f"{self.kind}-{id(self)}-{self.asked}"), PATIENCE)
            except Wrong as error:
                count[2] += 1
                problems.append(f"{self.kind}: {error}")
                self.close()
            except (OSError, EOFError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
                count[1] += 1
                problems.append(f"{self.kind}: {error!r}")
                self.close()
        self.close()

    async def file(self, _):
        status, body = await self.ask("/site/file")
        want(status == 200 and body == content, f"{status}, {len(body)} bytes")

    async def part(self, _):
        at = random.randrange(len(content))
        to = min(at + random.randrange(600_000), len(content) - 1)
        status, body = await self.ask("/site/file", f"Range: bytes={at}-{to}\r\n")
        want(status == 206 and body == content[at : to + 1], f"{status}, {len(body)} bytes")

    async def parts(self, _):
        status, body = await self.ask("/site/file", "Range: bytes=5-300004,400000-400999,-1000\r\n")
        want(status == 206, status)
        for part in (content[5:300005], content[400000:401000], content[-1000:]):
            body = body[body.find(b"\r\n\r\n") + 4 :]
            want(body.startswith(part), "another part")
            body = body[len(part) :]
        want(body.endswith(b"--\r\n"), "another end")

    async def login(self, _):
        right = random.random() < 0.8
        word = base64.b64encode(b"joe:secret" if right else b"joe:wrong").decode()
        status, body = await self.ask("/private/page", f"Authorization: Basic {word}\r\n")
        want(status == (200 if right else 401), status)
        want(not right or body == b"private\n", "another page")

    async def once(self, number):
        ids.add(number)
        status, body = await self.ask(f"/cgi-bin/record?id={number}&ms=20")
        want(status == 200 and body == number.encode() + b"\n", status)

    async def redirect(self, number):
        ids.add(number)
        status, body = await self.ask(f"/cgi-bin/hop?{number}")
        want(status == 200 and body == number.encode() + b"\n", status)

    async def nph(self, number):
        status, body = await self.ask(f"/cgi-bin/nph-say?{number}")
        want(status == 200 and body == number.encode(), status)
        self.close()  # as the server does: only the program knows whether its answer had an end

    async def upload(self, number):
        ids.add(number)
        status, body = await self.ask(f"/cgi-bin/record?id={number}", method="POST", body=UPLOAD)
        want(status == 200 and body == number.encode() + b"\n", status)

    async def stream(self, _):
        expected, state = b"".join(b"%015x\n" % (16 * k) for k in range(4096)), {"at": 0}

        def check(piece):
            nonlocal expected
            while piece:
                block = state["at"] >> 16
                if state.get("block") != block:
                    expected = b"".join(b"%015x\n" % ((block << 16) + 16 * k) for k in range(4096))
                    state["block"] = block
                within = state["at"] & 0xFFFF
                part = piece[: 0x10000 - within]
                want(part == expected[within : within + len(part)], f"other bytes at {state['at']}")
                state["at"] += len(part)
                piece = piece[len(part) :]

        status, _ = await self.ask(f"/cgi-bin/flood?bytes={STREAM}", check=check)
        want(status == 200 and state["at"] == STREAM, f"{status}, {state['at']} bytes")


async def main():
    end = time.monotonic() + seconds
    kinds = {"file": 2, "part": 3, "parts": 2, "login": 2, "once": 3, "redirect": 3, "nph": 2, "upload": 2, "stream": 1}
    await asyncio.gather(*(Client(kind).go_on(end) for kind, count in kinds.items() for _ in range(count)))
    ran = {}
    for line in open(executions):
        number = line.split()[1]
        ran[number] = ran.get(number, 0) + 1
    doubled = {}
    for number, times in ran.items():
        if times > 1:
            kind = number.removeprefix("hop-").split("-")[0]
            doubled[kind] = doubled.get(kind, 0) + 1
    for kind, (asked, lost, wrong) in counts.items():
        never = sum(1 for number in ids if number.split("-")[0] == kind and number not in ran)
        print(f"{kind}\t{asked}\t{lost + never}\t{doubled.pop(kind, 0)}\t{wrong}")
    if doubled:
        sys.exit(f"programs ran twice that nobody asked for: {doubled}")
    print("\n".join(problems[:10]), file=sys.stderr)


asyncio.run(main())
