"""Chromium for tests of pages, driven through --remote-debugging-pipe (https://chromedevtools.github.io/devtools-protocol/):
JSON on its descriptors 3 and 4, a NUL behind each message.
"""
import base64
import json
import os
import select
import signal
import subprocess
import time


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

    def key(self, name, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def emulate(self, width, height, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def draw(self, path, width, height, scheme):
        self.emulate(width, height, scheme)
        picture = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))

    def seen(self, *texts, seconds=20):
        """The document as it is, also where no script runs, as soon as it has these texts: it may still be loading, or be loaded again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
                document = self.call("DOM.getOuterHTML", nodeId=root)["outerHTML"]
            except Failure as failure:
                document = str(failure)
            if all(text in document for text in texts):
                return document
            if time.monotonic() > deadline:
                raise Failure(f"not seen within {seconds} s: {texts} in {document[:300]}")
            time.sleep(0.05)

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
