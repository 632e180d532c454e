#!/usr/bin/env python3
"""hold-idle.py PORT N: opens N connections, asks once on each, says "open" a second later, and holds them until it is
told to end."""
import signal
import socket
import sys
import time

port, count = int(sys.argv[1]), int(sys.argv[2])
held = []
for _ in range(count):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    held.append(connection)
for connection in held:
    connection.recv(4096)
time.sleep(1)
print("open", flush=True)
signal.pause()
