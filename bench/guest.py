"""Run by bench/guest while all of Varve serves the drive: loads it by fio, has backups made by QMP, prints a table."""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

WORK, ROUNDS, SECONDS, SIZE_MIB, ROWS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
GOAL = 1.3
PATIENCE_SECONDS = 300

# A guest that writes as fast as it can, one that writes at a pace, and one that makes each write durable.
TABLE = {
    "randwrite-4k-qd1": [],
    "randwrite-4k-500-a-second": ["--rate_iops=500", "--rate_process=poisson"],
    "randwrite-4k-fsync": ["--fsync=1"],
}
KINDS = ["alone", "archive", "file"]


class Qmp:
    """One QMP session; commands one at a time."""

    def __init__(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(os.path.join(WORK, "data", "agent.qmp"))
        self.stream = connection.makefile("rw")
        self.stream.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def await_no_job(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.execute("query-block-jobs"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a backup took longer than {PATIENCE_SECONDS} s")
            time.sleep(0.02)


class Backups:
    """Full backups one after another, from before the load until after it."""

    def __init__(self, qmp, kind):
        self.qmp, self.kind, self.count, self.ending = qmp, kind, 0, False
        self.failure = None
        self.begin()
        self.thread = threading.Thread(target=self.go_on)
        self.thread.start()

    def begin(self):
        self.count += 1
        if self.kind == "archive":
            self.qmp.execute("x-varve-backup", drives=["drive"], full=True)
        else:
            self.qmp.execute("drive-backup", device="drive", target=self.target(), format="raw", sync="full")

    def target(self):
        return os.path.join(WORK, f"copy-{self.count}.raw")

    def go_on(self):
        try:
            while True:
                self.qmp.await_no_job()
                if self.kind == "file":
                    os.remove(self.target())
                if self.ending:
                    return
                self.begin()
        except (RuntimeError, OSError) as failure:
            self.failure = failure

    def end(self):
        self.ending = True
        self.thread.join()
        if self.failure:
            raise self.failure


def load(options, seconds):
    """Percentiles in µs: {(what, percent): µs}."""
    uri = "nbd+unix:///drive?socket=" + os.path.join(WORK, "data", "agent.nbd")
    command = ["fio", "--name=guest", "--ioengine=nbd", "--uri=" + uri, "--time_based", f"--runtime={seconds}"]
    command += ["--randrepeat=0", "--norandommap", f"--size={SIZE_MIB}m", "--rw=randwrite", "--bs=4k", "--iodepth=1"]
    command += ["--output-format=json"] + options
    told = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if told.returncode != 0:
        raise RuntimeError("fio failed: " + told.stderr.strip())
    job = json.loads(told.stdout[told.stdout.index("{"):])["jobs"][0]
    found = {}
    for what, latency in (("write", job["write"]["clat_ns"]), ("fsync", job.get("sync", {}).get("lat_ns", {}))):
        for percent in (50, 99):
            if latency.get("N", 0) > 0 and "percentile" in latency:
                found[what, percent] = latency["percentile"][f"{percent}.000000"] / 1000
    return found


def measure(qmp, kind, options):
    qmp.await_no_job()
    if kind == "alone":
        return load(options, SECONDS), 0
    backups = Backups(qmp, kind)
    try:
        return load(options, SECONDS), backups.count
    finally:
        backups.end()


def print_table(results):
    print("| row | latency | alone | with a backup to the archive | with drive-backup to a file |")
    print("|---|---|---|---|---|")
    for row in TABLE:
        for key in sorted({key for found in results.get(row, []) for key in found["alone"]}, reverse=True):
            cells = []
            for kind in KINDS:
                middle = statistics.median(found[kind][key] for found in results[row])
                ratio = statistics.median(found[kind][key] / found["alone"][key] for found in results[row])
                judged = "" if key[1] != 99 else " ✓" if ratio <= GOAL else f" ✗ ({GOAL}×)"
                cells.append(f"{middle:.0f} µs" + ("" if kind == "alone" else f", {ratio:.2f}×{judged}"))
            print(f"| {row} | {key[0]} p{key[1]} | " + " | ".join(cells) + " |")


def main():
    qmp = Qmp()
    rows = [row for row in TABLE if re.search(ROWS, row)]
    results = {row: [] for row in rows}
    # Round 0 isn't counted: compilers and caches get warm. Each round begins with another kind.
    for number in range(ROUNDS + 1):
        for row in rows:
            found, counts = {}, {}
            for index in range(len(KINDS)):
                kind = KINDS[(index + number) % len(KINDS)]
                found[kind], counts[kind] = measure(qmp, kind, TABLE[row])
            print(f"bench/guest: round {number} of {ROUNDS}: {row}, backups begun {counts}, {found}", file=sys.stderr)
            if number > 0:
                results[row].append(found)
    print_table(results)


main()
