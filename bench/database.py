"""Talks to one database of the private server, through psql and pgbench.

The server is started and stopped by run.sh; PGHOST, PGPORT and PGUSER in the
environment say where it is, PATH finds its psql and pgbench.
"""

import glob
import math
import os
import re
import subprocess
import tempfile


class DatabaseError(Exception):
    """psql or pgbench failed; the text is its output."""


class Database:
    def __init__(self, name):
        self.name = name

    def run(self, sql, settings=None, feed=None):
        """Runs a script in one session and gives back its unaligned output.
        `feed`: an iterable of bytes for COPY ... FROM STDIN."""
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.name]
        if feed is None:
            command += ["-f", "-"]
            data = sql.encode()
        else:
            command += ["-c", sql]
            data = None
        process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE,
                                   env=environment(settings))
        if feed is not None:
            try:
                for part in feed:
                    process.stdin.write(part)
            except BrokenPipeError:
                pass            # psql has an error message, read below
        out, err = process.communicate(data)
        if process.returncode:
            raise DatabaseError(err.decode().strip())
        return out.decode()

    def value(self, sql, settings=None):
        return self.run(sql, settings).strip()

    def timed(self, sql, settings=None):
        """Milliseconds of each statement of the script, as psql's \\timing
        has them: a round trip on a local socket above the server's time."""
        out = self.run("\\timing on\n" + sql, settings)
        return [float(t) for t in re.findall(r"^Time: ([0-9.]+) ms", out, re.M)]

    def create(self, options=""):
        """Makes the database, empty; an older one of its name goes. `options`: of CREATE DATABASE."""
        admin = Database("postgres")
        admin.run(f"DROP DATABASE IF EXISTS {self.name}", {"client_min_messages": "warning"})
        admin.run(f"CREATE DATABASE {self.name} {options}")

    def writers(self, script, path, clients, rate, options, settings=None):
        """A process of pgbench, started: clients that run a script, kept at `path`, so many
        times a second together; `options`: pgbench's, which say when it ends."""
        with open(path, "w") as file:
            file.write(script)
        return subprocess.Popen(["pgbench", "-n", "-c", str(clients), "-j", "1", "-R", str(rate), *options,
                                 "-M", "prepared", "-f", path, self.name],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(settings))

    def processor_ms(self, before, statements, settings=None):
        """Milliseconds of processor time that the backend spends on each of the
        statements, which other processes affect less than the time that passes, and
        their outputs. `before` runs in the same session, unmeasured. The user must be a
        superuser."""
        script = ("\\o /dev/null\n" + before + "\n\\o\nSET client_min_messages = log;\n"
                  "SET log_statement_stats = on;\n" +
                  "".join(f"\\echo next statement\n{s};\n" for s in statements))
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.name, "-f", "-"],
                              input=script, capture_output=True, text=True, env=environment(settings))
        if done.returncode:
            raise DatabaseError(done.stderr[-2000:])
        times = [(float(user) + float(system)) * 1000 for user, system in
                 re.findall(r"^!\s+([0-9.]+) s user, ([0-9.]+) s system, [0-9.]+ s elapsed", done.stderr, re.M)]
        return times, done.stdout.split("next statement\n")[1:]

    def bench(self, script, transactions, settings=None):
        """Microseconds of each transaction of a pgbench script, client side,
        prepared, over one connection. `:i` counts from 0."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "script.sql")
            with open(path, "w") as file:
                file.write(script)
            log = os.path.join(folder, "log")
            done = subprocess.run(
                ["pgbench", "-n", "-c", "1", "-t", str(transactions),
                 "-M", "prepared", "-D", "i=-1", "--log",
                 f"--log-prefix={log}", "-f", path, self.name],
                capture_output=True, text=True, env=environment(settings))
            if done.returncode or "aborted" in done.stderr:
                raise DatabaseError(done.stderr.strip())
            times = []
            for name in glob.glob(log + "*"):
                with open(name) as file:
                    times += [int(line.split()[2]) for line in file]
        if len(times) != transactions:
            raise DatabaseError(f"pgbench ran {len(times)} of {transactions} transactions")
        return times


def environment(settings):
    """The environment with session settings for libpq."""
    env = dict(os.environ)
    env["PGOPTIONS"] = " ".join(f"-c {k}={v}" for k, v in (settings or {}).items())
    return env


def percentile(values, share):
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
