#!/usr/bin/env python3
"""slow-heads.py PORT N: N connections, each of which sends a byte of its request's head every 1.5 s, and opens again where
the server has ended it; says "open" once all are there, and goes on until it is told to end."""
import socket
import sys
import time

port, count = int(sys.argv[1]), int(sys.argv[2])
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 1000
PERIOD = 1.5
SLICES = 150


def begin():
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setblocking(False)
    return [connection, 0]


heads = [begin() for _ in range(count)]
said = False
turn = 0
while True:
    started = time.monotonic()
    for place in range(turn % SLICES, count, SLICES):
        connection, sent = heads[place]
        try:
            connection.send(HEAD[sent : sent + 1])
            heads[place][1] += 1
        except OSError:
            connection.close()
            try:
                heads[place] = begin()
            except OSError:
                pass
    turn += 1
    if turn == SLICES and not said:
        print("open", flush=True)
        said = True
    time.sleep(max(0.0, PERIOD / SLICES - (time.monotonic() - started)))
