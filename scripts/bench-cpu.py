"""Server CPU per request of two builds of hydrapool, side by side: scripts/bench cpu --against PROGRAM

Both servers stand all the time; short slices of load go to one and the other in turn (A B, B A, ...), and the CPU of each
server's processes is read in nanoseconds before and after its slice. Prints medians, the median of the pairs' ratios and its
95 % interval by bootstrap, whose draws have a fixed seed.
"""

import json
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time

ROWS = {
    "64 keep-alive connections": ["-c", "64", "-d", "400ms"],
    "a connection for each request": ["-c", "16", "-d", "700ms", "--connection", "close"],
}
PAIRS = 80


def family(pid):
    yield pid
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from family(int(child))


def cpu_nanoseconds(server):
    return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in family(server.pid))


class Subject:
    def __init__(self, program, port):
        self.url = f"http://127.0.0.1:{port}/"
        if self.answers():
            sys.exit(f"somebody answers at {self.url} already")
        command = [program, "--listen", f"127.0.0.1:{port}", "--admin", "off", "--workers", "2", "--log-level", "warn"]
        self.server = subprocess.Popen(command)
        self.costs = []
        deadline = time.monotonic() + 10
        try:
            while not self.answers():
                if self.server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{program} does not serve on port {port}")
                time.sleep(0.05)
        except BaseException:
            self.end()
            raise

    def answers(self):
        return subprocess.run(["curl", "-s", "--noproxy", "*", self.url], stdout=subprocess.DEVNULL, check=False).returncode == 0

    def microseconds_per_request(self, loadgen, options):
        before = cpu_nanoseconds(self.server)
        run = subprocess.run([loadgen, "-q", "--json", "-", *options, self.url], capture_output=True, text=True, check=False)
        used = cpu_nanoseconds(self.server) - before
        return used / json.loads(run.stdout)["requests"]["completed"] / 1000

    def end(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait()


def interval(ratios):
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[-51]


def compare(name, options, programs, loadgen):
    subjects = []
    try:
        for i, program in enumerate(programs):
            subjects.append(Subject(program, 18451 + i))
        for subject in subjects:
            subject.microseconds_per_request(loadgen, options)
        for pair in range(PAIRS):
            for subject in subjects if pair % 2 == 0 else reversed(subjects):
                subject.costs.append(subject.microseconds_per_request(loadgen, options))
    finally:
        for subject in subjects:
            subject.end()
    new, old = subjects
    ratios = [a / b for a, b in zip(new.costs, old.costs)]
    low, high = interval(ratios)
    print(f"{name:30} {statistics.median(new.costs):6.2f} us  other {statistics.median(old.costs):6.2f} us  "
          f"ratio {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f}; medians of {PAIRS})", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bin_directory, other = sys.argv[1:]
    for row, settings in ROWS.items():
        compare(row, settings, [f"{bin_directory}/hydrapool", other], f"{bin_directory}/loadgen")
