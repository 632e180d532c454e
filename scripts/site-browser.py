#!/usr/bin/env python3
"""site-browser.py URL [USER:PASSWORD]: opens a page in Chromium, as scripts/site-test does. Fails with one line unless every
style, script and image of the page, and of the pages in its frames, was loaded and could be read."""
import base64
import json
import sys
import tempfile

from chromium import Browser, Failure

LOADED = """(function whole(page) {
  return page.readyState === 'complete' &&
    [...page.images].every(image => image.complete) &&
    [...page.querySelectorAll('frame, iframe')].every(frame => frame.contentDocument && whole(frame.contentDocument));
})(document) && location.href !== 'about:blank'"""
FAULTS = """(function faults(page) {
  return [...page.images].filter(image => image.naturalWidth === 0).map(image => 'no image: ' + image.src)
    .concat([...page.querySelectorAll('link[rel~=stylesheet]')].filter(link => !link.sheet && !link.disabled)
      .map(link => 'no style: ' + link.href))
    .concat(...[...page.querySelectorAll('frame, iframe')].map(frame => faults(frame.contentDocument)));
})(document).join(', ')"""


# Nobody's matter: what every browser asks for, and what munin's style names for an administrator to make.
OPTIONAL = ("/favicon.ico", "/munin/static/custom.css")


def refused(complaint):
    """A resource that the browser could not load."""
    entry = json.loads(complaint).get("entry", {}) if complaint.endswith("}") else {}
    return entry.get("source") == "network" and not entry.get("url", "").endswith(OPTIONAL)


with tempfile.TemporaryDirectory() as profile:
    browser = Browser(profile)
    try:
        browser.open("about:blank")
        browser.call("Network.enable")
        if len(sys.argv) > 2:
            word = base64.b64encode(sys.argv[2].encode()).decode()
            browser.call("Network.setExtraHTTPHeaders", headers={"Authorization": "Basic " + word})
        browser.call("Page.navigate", url=sys.argv[1])
        browser.until("loaded", LOADED, 30)
        faults = browser.evaluate(FAULTS)
        faults = faults or ", ".join(filter(refused, browser.complaints))
        if faults:
            raise Failure(faults)
    except Failure as failure:
        sys.exit(f"in Chromium: {failure}")
    finally:
        browser.close()
