#!/usr/bin/env python3
"""status_page_test.py BIN [PICTURES]: the status page in Chromium, of a pool of the build in BIN.

With PICTURES, a directory, the page is drawn there in light and dark,
wide and narrow. Exit codes: 0 passed, 1 failed, 77 no Chromium.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts"))
from chromium import Browser, Failure  # noqa: E402


class Pool:
    def __init__(self, binaries, log):
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [binaries + "/hydrapool", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "4",
                 "--stall-timeout", "0"], stdout=file, stderr=file)
        self.admin = self.said(r"admin on (http://[^/]*)/")
        self.served = self.said(r"listening on (http://[^/]*)/")

    def said(self, pattern):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with open(self.log, encoding="utf-8") as file:
                found = re.search(pattern, file.read())
            if found:
                return found.group(1)
            time.sleep(0.02)
        raise Failure(f"the pool did not say {pattern}")

    def worker(self, slot):
        with urllib.request.urlopen(self.admin + "/status.json", timeout=20) as answer:
            return json.load(answer)["workers"][slot]["pid"]

    def ask(self, times):
        for _ in range(times):
            urllib.request.urlopen(self.served, timeout=20).read()


def run(browser, pool, pictures):
    browser.open(pool.admin + "/")
    browser.until("four workers are ready", "document.querySelectorAll('#workers tr.ready').length === 4")
    pool.ask(20)
    browser.until("the requests are counted",
                  "Number(document.querySelector('[data-n=requests]').dataset.v) === 20")
    browser.until("there are rates", "!isNaN(parseFloat(document.querySelector('[data-rate=requests]').textContent))")
    victim = pool.worker(0)
    os.kill(victim, signal.SIGKILL)
    browser.until("a killed worker is among the last deaths",
                  f"document.querySelector('#deaths')?.textContent.includes('{victim}SIGKILL')")
    frozen = pool.worker(1)
    os.kill(frozen, signal.SIGSTOP)
    browser.until("a frozen worker is red", """(() => {
      const row = document.querySelector('#workers tr.frozen');
      return row && row.querySelector('th').textContent === '1' &&
        getComputedStyle(row.querySelector('td')).backgroundColor !== getComputedStyle(document.body).backgroundColor;
    })()""")
    if pictures:
        for scheme in ("light", "dark"):
            browser.draw(f"{pictures}/{scheme}.png", 1280, 900, scheme)
            browser.draw(f"{pictures}/{scheme}-narrow.png", 390, 1300, scheme)
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    browser.until("on a phone nothing but the tables is wider than the page",
                  "document.documentElement.scrollWidth <= 390")
    os.kill(frozen, signal.SIGCONT)
    browser.until("it is ready again", "document.querySelectorAll('#workers tr.ready').length === 4")
    browser.evaluate("document.getElementById('pause').focus(), document.activeElement.click()")
    browser.until("it can be paused", "document.getElementById('pause').getAttribute('aria-pressed') === 'true'")
    browser.evaluate("document.getElementById('pause').click()")
    if browser.complaints:
        raise Failure("the console has complaints: " + browser.complaints[0])
    print("  ok   the console has no complaint")
    pool.process.send_signal(signal.SIGTERM)
    pool.process.wait(20)
    browser.until("a pool that is gone is said to be gone",
                  "document.body.classList.contains('stale') && document.getElementById('lost').textContent !== ''")


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which("chromium"):
        print("no chromium (scripts/packages)")
        return 77
    with tempfile.TemporaryDirectory(prefix="hydrapool-page.", ignore_cleanup_errors=True) as work:
        pool = browser = None
        try:
            pool = Pool(sys.argv[1], work + "/log")
            browser = Browser(work + "/profile")
            run(browser, pool, sys.argv[2] if len(sys.argv) == 3 else None)
        except Failure as failure:
            print(f"  FAIL {failure}")
            return 1
        finally:
            if browser:
                browser.close()
            if pool and pool.process.poll() is None:
                pool.process.kill()
                pool.process.wait()
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
