"""One session that searches at a given pace while others write."""

import subprocess
import time

from database import environment, percentile


class Searcher:
    """A session of psql with one prepared search; every search is timed in three ways: what
    the client saw; how much of that the server's process, psql and this program, which take
    turns, waited for a processor (Linux' schedstat); the processor time of the server's
    process. In nanoseconds."""

    TITLES = (("seen", lambda t: t[1]), ("from schedule", lambda t: t[0] + t[1]),
              ("without waiting", lambda t: t[1] - t[2]), ("processor", lambda t: t[3]))

    def __init__(self, database, search, argument, settings=None):
        """`search`: SQL with $1, of the type `argument`."""
        self.psql = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, bufsize=1,
                                     env=environment({"jit": "off"} | (settings or {})))
        pid = self.send("SET plan_cache_mode = force_generic_plan;"
                        f"PREPARE ask({argument}) AS {search}; SELECT pg_backend_pid();")[0]
        self.schedules = [open(f"/proc/{p}/schedstat") for p in (pid, self.psql.pid, "self")]

    def send(self, line):
        """The lines of the answer to SQL."""
        self.psql.stdin.write(line + "\n\\echo .\n")
        self.psql.stdin.flush()
        rows = []
        while (row := self.psql.stdout.readline().rstrip("\n")) != ".":
            if row == "":
                raise SystemExit("a search failed")
            rows.append(row)
        return rows

    def times(self):
        """So far: of the server's process on a processor, of all three waiting for one."""
        lines = []
        for schedule in self.schedules:
            schedule.seek(0)
            lines.append(schedule.read().split())
        return int(lines[0][0]), sum(int(line[1]) for line in lines)

    def ask(self, query):
        """(seen, waiting, processor) of a search; `query`: its argument's text."""
        processor, waiting = self.times()
        began = time.monotonic_ns()
        self.send(f"EXECUTE ask('{query}');")
        seen = time.monotonic_ns() - began
        processor_after, waiting_after = self.times()
        return seen, waiting_after - waiting, processor_after - processor

    def search_for(self, seconds, rate, queries, until=None):
        """[(behind the schedule, seen, waiting, processor)] of `rate` searches a second, for
        so many seconds, or until until() is true."""
        found = []
        began = time.monotonic()
        i = 0
        while (due := began + i / rate) < began + seconds and not (until and until()):
            now = time.monotonic()
            if due > now:
                time.sleep(due - now)
            behind = max(0, int((time.monotonic() - due) * 1e9))
            found.append((behind, *self.ask(queries[i % len(queries)])))
            i += 1
        return found

    @classmethod
    def figures(cls, times):
        """Microseconds by title and percentile of what search_for() returns."""
        figures = {}
        for title, of in cls.TITLES:
            values = [of(t) / 1000 for t in times]
            figures[title] = {f"p{p}": percentile(values, p / 100) for p in (50, 95, 99)} | {"max": max(values)}
        return figures

    @classmethod
    def line(cls, figures):
        """The same as one line."""
        return "p50 / p95 / p99 / max us: " + "; ".join(
            f"{title} " + " / ".join(f"{v:,.0f}" for v in figures[title].values()) for title, _ in cls.TITLES)
