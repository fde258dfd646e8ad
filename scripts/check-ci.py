#!/usr/bin/env python3
"""check-ci.py: are the jobs of .github/workflows/ci.yml those that test-matrix.sh
knows, and does each of them run the script that test-matrix.sh runs?

Reads the form of matrix that ci.yml has (lists in brackets), without a YAML parser.
Exit status 1, with a line for each difference.
"""
import itertools
import pathlib
import re
import subprocess
import sys

top = pathlib.Path(__file__).resolve().parent.parent
text = re.sub(r"^\s*#.*\n", "", (top / ".github/workflows/ci.yml").read_text(), flags=re.M)
matrix = (top / "scripts/test-matrix.sh").read_text()
faults = []

axes = {name: [item.strip() for item in items.split(",")]
        for name, items in re.findall(r"^ {8}(\w+): \[(.*)\]$", text, re.M)}
if sorted(axes) != ["arch", "cc", "pg"]:
    faults.append(f"ci.yml: the matrix has {sorted(axes)}, not pg, arch and cc")
    jobs = set()
else:
    jobs = set(itertools.product(axes["pg"], axes["arch"], axes["cc"]))
known = {tuple(line.split()) for line in
         subprocess.run([top / "scripts/test-matrix.sh", "jobs"], check=True, capture_output=True, text=True).stdout.splitlines()}
faults += [f"only in ci.yml: {' '.join(job)}" for job in sorted(jobs - known)]
faults += [f"only in test-matrix.sh: {' '.join(job)}" for job in sorted(known - jobs)]

runs = re.findall(r"^\s*- run: (.*)$", text, re.M)
if runs != ["scripts/ci-job.sh ${{ matrix.pg }} ${{ matrix.arch }} ${{ matrix.cc }}"]:
    faults.append(f"ci.yml: a job runs {runs}, not scripts/ci-job.sh with its version, architecture and compiler")
if matrix.count('/scripts/ci-job.sh" "$major" "$arch" "$cc"') + matrix.count('/barq/scripts/ci-job.sh "$major" "$arch" "$cc"') != 2:
    faults.append("test-matrix.sh does not run scripts/ci-job.sh")
for arch in axes.get("arch", []):
    if not re.search(rf"- arch: {arch}\n\s+runner: \S+", text):
        faults.append(f"ci.yml: no runner for {arch}")

print("\n".join(faults), end="\n" if faults else "")
sys.exit(1 if faults else 0)
