#!/usr/bin/env python3
"""status_page_test.py BIN [PICTURES]: the status page in Chromium, of a pool of the build in BIN.

Chromium is driven through --remote-debugging-pipe (https://chromedevtools.github.io/devtools-protocol/): JSON on its
descriptors 3 and 4, a NUL behind each message. With PICTURES, a directory, the page is drawn there in light and dark,
wide and narrow. Exit codes: 0 passed, 1 failed, 77 no Chromium.
"""
import base64
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request


class Failure(Exception):
    pass


class Browser:
    def __init__(self, profile):
        ours, theirs = os.pipe(), os.pipe()  # to the browser, from the browser

        def connect():
            high = [os.dup2(ours[0], 100), os.dup2(theirs[1], 101)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", "--user-data-dir=" + profile, "about:blank"],
            preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(ours[0])
        os.close(theirs[1])
        self.out, self.incoming = ours[1], theirs[0]
        self.buffer, self.last, self.session, self.complaints = b"", 0, None, []

    def call(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def read(self, deadline):
        while b"\0" not in self.buffer:
            if not select.select([self.incoming], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure("Chromium does not answer")
            piece = os.read(self.incoming, 1 << 20)
            if not piece:
                raise Failure("Chromium has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded") or (
                event.get("method") == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "warning")):
            self.complaints.append(json.dumps(event["params"])[:500])

    def open(self, url):
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.call(domain + ".enable")
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise Failure(f"{expression}: {result['exceptionDetails'].get('text')}")
        return result["result"].get("value")

    def until(self, what, expression, seconds=20):
        """Waits until an expression is true; how long it took."""
        began = time.monotonic()
        while not self.evaluate(expression):
            if time.monotonic() - began > seconds:
                raise Failure(f"{what}: not within {seconds} s: {expression}")
            time.sleep(0.05)
        took = time.monotonic() - began
        print(f"  ok   {what} ({took:.1f} s)")
        return took

    def draw(self, path, width, height, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        picture = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


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
