#!/usr/bin/env python3
"""status_page_test.py BIN [PICTURES]: the status page in Chromium, of a pool of the build in BIN.

With PICTURES, a directory, the page is drawn there in light and dark,
wide and narrow, and what must be seen in time (a killed worker 2 s, a
frozen one 3 s) fails where it is not: on a quiet machine.
Exit codes: 0 passed, 1 failed, 77 no Chromium.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts"))
from chromium import Browser, Failure  # noqa: E402


# Of each text the least contrast that WCAG 2.2 (1.4.3) wants is 4.5; the worst one of the page is told.
CONTRAST = """(() => {
  const rgb = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = rgb(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = [99, ''];
  for (const element of document.body.querySelectorAll('*')) {
    if (![...element.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !element.getClientRects().length) continue;
    const a = light(rgb(getComputedStyle(element).color)), b = light(ground(element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < worst[0]) worst = [contrast, element.textContent.trim().slice(0, 40)];
  }
  return worst;
})()"""


class Pool:
    processes = []

    def __init__(self, binaries, log, admin):
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [binaries + "/hydrapool", "--listen", "127.0.0.1:0", "--admin", admin, "--workers", "4",
                 "--stall-timeout", "0"], stdout=file, stderr=file, start_new_session=True)
        self.processes.append(self.process)
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
        with open(self.log, encoding="utf-8") as file:
            raise Failure(f"the pool did not say {pattern}: {file.read()[-300:]}")

    def status(self):
        with urllib.request.urlopen(self.admin + "/status.json", timeout=20) as answer:
            return json.load(answer)

    def worker(self, slot):
        return self.status()["workers"][slot]["pid"]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def ask(self, times):
        for _ in range(times):
            urllib.request.urlopen(self.served, timeout=20).read()


def port_of_its_own():
    """A port that a pool can be started on again: none that the system gives to others meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        given = int(file.read().split()[0])
    while True:
        port = random.randrange(min(10000, given // 2), given)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def ok(what, holds, found=""):
    if not holds:
        raise Failure(f"{what}: {found}")
    print(f"  ok   {what}")


def watch_deaths(browser, pool, in_time):
    victim = pool.worker(0)
    os.kill(victim, signal.SIGKILL)
    took = browser.until("a killed worker is among the last deaths",
                         f"document.querySelector('#deaths')?.textContent.includes('{victim}SIGKILL')")
    ok("within 2 s", took < 2 or not in_time, took)
    frozen = pool.worker(1)
    os.kill(frozen, signal.SIGSTOP)
    took = browser.until("a frozen worker is red", """(() => {
      const row = document.querySelector('#workers tr.frozen');
      return row && row.querySelector('th').textContent === '1' &&
        [...row.children].every(cell => getComputedStyle(cell).backgroundColor === 'rgb(253, 232, 232)');
    })()""")
    ok("within 3 s", took < 3 or not in_time, took)
    browser.until("and told of beside the state",
                  "document.getElementById('state').textContent.includes('1 of 4 workers frozen')")
    return frozen


def look(browser, pictures):
    for scheme in ("light", "dark"):
        browser.emulate(1280, 900, scheme)
        contrast, text = browser.evaluate(CONTRAST)
        ok(f"in {scheme} each text stands out from its ground", contrast >= 4.5, f"{text}: {contrast:.2f}")
        for width, height, name in ((1280, 900, scheme), (390, 1300, scheme + "-narrow")):
            if pictures:
                browser.draw(f"{pictures}/{name}.png", width, height, scheme)
    browser.emulate(390, 800, "light")
    browser.until("on a phone nothing but the tables is wider than the page",
                  "document.documentElement.scrollWidth <= 390")


def by_keyboard(browser, pool):
    reached = []
    browser.evaluate("document.activeElement.blur()")
    for _ in range(12):
        browser.key("Tab", 9)
        reached.append(browser.evaluate("""(e => e.id || e.getAttribute('aria-labelledby') || e.getAttribute('href') || '')
          (document.activeElement)"""))
    ok("Tab leads to the button, the tables and the links",
       [each for each in reached if each][:8] == ["pause", "w", "d", "s", "/metrics", "/status.json", "/fates.json", "/readyz"],
       reached)
    browser.evaluate("document.querySelector('[aria-labelledby=w]').focus()")
    browser.evaluate("getSelection().selectAllChildren(document.querySelector('#workers tbody th'))")
    pool.ask(7)
    browser.until("the page goes on", f"document.querySelector('[data-n=requests]').dataset.v === '{requests(pool)}'")
    ok("focus and selection stay where they are",
       browser.evaluate("document.activeElement.getAttribute('aria-labelledby') === 'w' && String(getSelection()) === '0'"))
    browser.evaluate("document.getElementById('pause').focus()")
    browser.key("Enter", 13, "\r")
    browser.until("Enter pauses it", "document.getElementById('pause').getAttribute('aria-pressed') === 'true'")
    browser.key(" ", 32, " ")
    browser.until("a blank lets it go on", "document.getElementById('pause').getAttribute('aria-pressed') === 'false'")


def requests(pool):
    return pool.status()["totals"]["requests"]


def read_aloud(browser):
    nodes = [(node["role"]["value"], node.get("name", {}).get("value", ""))
             for node in browser.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    nameless = [role for role, name in nodes if role in ("button", "link", "region", "columnheader", "rowheader") and not name]
    ok("what can be used has a name", not nameless, nameless)
    for role, name in (("button", "Pause"), ("region", "Workers"), ("region", "The last deaths"), ("columnheader", "came round"),
                       ("rowheader", "0"), ("heading", "What clients feel"), ("status", None), ("link", "/metrics")):
        ok(f"a screen reader finds the {role} {name or ''}".rstrip(),
           any(each == role and name in (None, said) for each, said in nodes), [n for r, n in nodes if r == role])


def over_restarts(browser, pool, binaries):
    os.kill(pool.status()["parent"]["pid"], signal.SIGKILL)
    browser.until("the parent's death is seen", "document.querySelector('main').textContent.includes('number 2;')")
    browser.until("and the page lives on", "!document.body.classList.contains('stale')")
    address = pool.admin.removeprefix("http://")
    pool.end()
    gone = "document.body.classList.contains('stale') && document.getElementById('lost').textContent !== ''"
    browser.until("a pool that is gone is said to be gone", gone)
    browser.evaluate("window.same = 1")
    pool = Pool(binaries, pool.log, address)
    browser.until("one that is started again is shown by the same page",
                  f"window.same === 1 && !({gone}) && document.querySelectorAll('#workers tr.ready').length === 4 && "
                  f"document.querySelector('main').textContent.includes('process {pool.process.pid},')")
    return pool


def run(browser, pool, binaries, pictures):
    browser.open(pool.admin + "/")
    browser.until("four workers are ready", "document.querySelectorAll('#workers tr.ready').length === 4")
    pool.ask(20)
    browser.until("the requests are counted",
                  "Number(document.querySelector('[data-n=requests]').dataset.v) === 20")
    browser.until("there are rates", "!isNaN(parseFloat(document.querySelector('[data-rate=requests]').textContent))")
    frozen = watch_deaths(browser, pool, bool(pictures))
    look(browser, pictures)
    os.kill(frozen, signal.SIGCONT)
    browser.until("it is ready again", "document.querySelectorAll('#workers tr.ready').length === 4")
    by_keyboard(browser, pool)
    read_aloud(browser)
    ok("the console has no complaint", not browser.complaints, browser.complaints[:1])
    pool = over_restarts(browser, pool, binaries)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.call("Page.navigate", url=pool.admin + "/")
    browser.seen("http-equiv", 'id="workers"')
    print("  ok   without scripts it is plain tables, loaded again")


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which("chromium"):
        print("no chromium (scripts/packages)")
        return 77
    with tempfile.TemporaryDirectory(prefix="hydrapool-page.", ignore_cleanup_errors=True) as work:
        browser = None
        try:
            pool = Pool(sys.argv[1], work + "/log", f"127.0.0.1:{port_of_its_own()}")
            browser = Browser(work + "/profile")
            run(browser, pool, sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None)
        except Failure as failure:
            print(f"  FAIL {failure}")
            return 1
        finally:
            if browser:
                browser.close()
            for process in Pool.processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)  # all at once: one alone is replaced
                    process.wait()
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
