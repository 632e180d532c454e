#!/usr/bin/env python3
"""bench-admin.py BIN: what watching costs, and how soon the admin port answers (scripts/bench admin).

The parent's CPU for a scrape of 64 workers and three mounts; the admin
port's answers while clients take all they can, while every worker is
stopped, and behind 1,000 connections that never read or keep silent.
"""
import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


class Pool:
    def __init__(self, binaries, workers):
        self.log = tempfile.NamedTemporaryFile(prefix="hydrapool-bench.")
        cgi = os.path.join(binaries, "..", "cgi-bin")
        self.process = subprocess.Popen(
            [os.path.join(binaries, "hydrapool"), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", str(workers),
             "--stall-timeout", "0", "--cgi-dir", cgi, "--mount", "/more/=cgi:" + os.path.abspath(cgi),
             "--mount", "/files/=files:/usr/share/common-licenses"], stderr=self.log)
        try:
            self.admin = self.said(r"admin on http://([^/]*)/")
            self.served = self.said(r"listening on http://([^/]*)/")
            while self.ask("/readyz")[0] != 200 or any(each["state"] != "ready" for each in self.workers()):
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def said(self, pattern):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with open(self.log.name, encoding="utf-8") as file:
                found = re.search(pattern, file.read())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        sys.exit(f"the pool did not say {pattern}")

    def ask(self, path, headers=None):
        """Status, body, and seconds from the connect to the last byte."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection(self.admin, timeout=20)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body, time.perf_counter() - began

    def workers(self):
        return json.loads(self.ask("/status.json")[1])["workers"]

    def parent_cpu(self):
        return float(re.search(r"^process_cpu_seconds_total (\S+)$", self.ask("/metrics")[1], re.M).group(1))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def say_times(what, pool, times=200):
    for path in ("/readyz", "/metrics"):
        took = sorted(pool.ask(path)[2] * 1e3 for _ in range(times))
        print(f"{what:<46} {path:<9} p50 {statistics.median(took):6.2f} ms   p99 {took[int(times * 0.99)]:6.2f} ms")


def scrape_cost(pool):
    for name, headers in (("text", {}), ("OpenMetrics", OPEN_METRICS)):
        before = pool.parent_cpu()
        size = 0
        for _ in range(300):
            size = len(pool.ask("/metrics", headers)[1])
        spent = (pool.parent_cpu() - before) / 300
        print(f"a scrape of 64 workers, {name:<22} {spent * 1e3:6.2f} ms of the parent's CPU, {size} bytes")


def answers(binaries, pool):
    load = subprocess.Popen([os.path.join(binaries, "loadgen"), "--connections", "64", "--threads", "1", "--duration", "60s",
                             "--quiet", f"http://{pool.served}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        say_times("under all the load that it takes", pool)
    finally:
        load.send_signal(signal.SIGINT)
        load.wait()
    for what, request in (("never read", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), ("keep silent", b"")):
        door = [socket.create_connection(tuple(pool.admin.rsplit(":", 1))) for _ in range(1000)]
        for each in door:
            each.sendall(request)
        print(f"behind 1,000 connections that {what:<16} /readyz   first {pool.ask('/readyz')[2] * 1e3:.2f} ms")
        say_times(f"beside 1,000 connections that {what}", pool, 50)
        for each in door:
            each.close()
    pids = [each["pid"] for each in pool.workers() if each["pid"] > 0]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        say_times("with every worker stopped", pool)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
with Pool(sys.argv[1], 64) as many:
    scrape_cost(many)
with Pool(sys.argv[1], 4) as few:
    answers(sys.argv[1], few)
