"""Runs a program on some of the processors and says what it took: python3 measure.py PROCESSORS SAMPLE_SECONDS PROGRAM ARGUMENT...

Prints one line of JSON: seconds, processor seconds and the most resident memory of the program and all that it waited for; and, if
SAMPLE_SECONDS is not 0, its resident memory in megabytes after every so many seconds. Ends with the program's exit code.
"""

import json
import os
import resource
import subprocess
import sys
import time

processors, interval, *command = sys.argv[1:]
allowed = sorted(os.sched_getaffinity(0))
wanted = int(processors)
if len(allowed) < wanted:
    sys.exit(f"{wanted} processors are wanted and there are {len(allowed)}")
os.sched_setaffinity(0, allowed[:wanted])
interval = float(interval)


def resident(process):
    """Megabytes, or None if it has ended."""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            kilobytes = [line.split()[1] for line in status if line.startswith("VmRSS:")]
    except FileNotFoundError:
        return None
    return round(int(kilobytes[0]) * 1024 / 1e6, 1) if kilobytes else None


start = time.monotonic()
process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
samples = []
while interval:
    try:
        process.wait(interval)
        break
    except subprocess.TimeoutExpired:
        samples.append(resident(process))
code = process.wait()
seconds = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(
    json.dumps(
        {
            "seconds": round(seconds, 4),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
            "peak_rss_bytes": used.ru_maxrss * 1024,
            "resident": [sample for sample in samples if sample is not None],
        },
        separators=(",", ":"),
    )
)
sys.exit(code)
