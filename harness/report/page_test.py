#!/usr/bin/env python3
"""page_test.py BIN [PICTURES]: the page of a run (harness run --report) in Chromium.

With PICTURES, a directory, it is drawn there in light and dark, wide and narrow. Exit codes: 0 passed, 1 failed, 77 no Chromium.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from chromium import Browser, Failure  # noqa: E402

SCENARIO = """
name: page
proves: this page tells what came of it
start: { hydrapool: { workers: 3, cgi_dir: CGI } }
load:
  - { url: /, rate: 300, connections: 8 }
  - { url: /no-such-page, rate: 20, connections: 2 }
faults:
  - { fault: kill, target: slot=1, every: 400ms, from: 300ms, to: 2s }
  - { fault: kill, target: parent, from: 800ms }
  - { fault: stop, target: slot=2, from: 1200ms, for: 300ms }
  - { fault: kill, target: slot=0, phase: idle, from: 1600ms }
duration: 3s
expect: { lost: 0, recovery_p99: 10s }
"""


def run(binaries, work):
    """A run that FAILs, for the answers of 404 are explained by no fault."""
    with open(work + "/s.yaml", "w", encoding="utf-8") as file:
        file.write(SCENARIO.replace("CGI", binaries + "/../cgi-bin"))
    ended = subprocess.run([binaries + "/harness", "run", work + "/s.yaml", "--seed", "3", "--report", work + "/r.html",
                            "--json", work + "/r.json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if not os.path.getsize(work + "/r.html"):
        raise Failure("no page: " + ended.stdout.decode(errors="replace"))
    for line in ended.stdout.decode(errors="replace").splitlines():
        if "look at" in line:
            shutil.rmtree(line.split()[-1], ignore_errors=True)
    with open(work + "/r.json", encoding="utf-8") as file:
        return json.load(file)


def look(browser, page, result, pictures):
    browser.open("file://" + page)
    verdict = json.dumps(result["verdict"])
    browser.until("the verdict stands first", f"document.querySelector('#verdict')?.textContent === {verdict}")
    browser.until("and its reasons", f"document.querySelectorAll('#reasons li').length === {len(result['reasons'] + result['notes'])}")
    browser.until("there are plots", "document.querySelectorAll('#plots canvas').length > 0")
    browser.until("there is a lane for the parent and each worker",
                  "[...document.querySelectorAll('#lanes svg text')].slice(0, 4).map(e => e.textContent).join() === "
                  "'parent,worker 0,worker 1,worker 2'")
    landed = len([f for f in result["faults"] if f["outcome"] != "missed"])
    browser.until("each fault that landed is on a lane", f"document.querySelectorAll('#lanes .hit').length - 1 === {landed}")
    browser.until("each fault has its line", f"""[...document.querySelectorAll('#tables h2')].some(h => h.textContent === 'Faults' &&
      h.parentNode.querySelectorAll('tbody tr').length === {len(result["faults"])})""")
    browser.until("each fault has its timeline", f"document.querySelectorAll('#tables svg').length === {len(result['faults'])}")
    browser.until("a fault of a phase says whether it hit it", "/dead; it was( not)? idle/.test(document.body.textContent)")
    browser.until("failed requests have their story", "document.body.textContent.includes('no fault explains it')")
    browser.until("it says how to make it come again",
                  f"document.querySelector('#again .command').textContent === {json.dumps(result['replay'])}")
    colours = []
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        colours.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        if pictures:
            browser.draw(f"{pictures}/{scheme}.png", 1280, 2600, scheme)
            browser.draw(f"{pictures}/{scheme}-narrow.png", 390, 3000, scheme)
    if colours[0] == colours[1]:
        raise Failure("light and dark look the same")
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    browser.until("on a phone nothing but tables and lanes is wider than the page",
                  "document.documentElement.scrollWidth <= 390")
    if browser.complaints:
        raise Failure("the console has complaints: " + browser.complaints[0])
    print("  ok   the console has no complaint")


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which("chromium"):
        print("no chromium (scripts/packages)")
        return 77
    with tempfile.TemporaryDirectory(prefix="harness-page.", ignore_cleanup_errors=True) as work:
        browser = None
        try:
            result = run(os.path.abspath(sys.argv[1]), work)
            browser = Browser(work + "/profile")
            look(browser, work + "/r.html", result, sys.argv[2] if len(sys.argv) == 3 else None)
        except Failure as failure:
            print(f"  FAIL {failure}")
            return 1
        finally:
            if browser:
                browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
