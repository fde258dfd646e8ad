"""The part of watching.sh that talks to the servers: fills a database, runs the
exporter and Prometheus against it, and asks for each metric and expression of
examples/watching. PGHOST, PGPORT and PATH are set. Ends with "N passed, N failed"."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

WATCHING = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "watching")
LIMIT = 120  # seconds, against hangs only

results = {True: 0, False: 0}


def check(passed, name, detail=""):
    """Count and print one result."""
    results[bool(passed)] += 1
    print(("ok - " if passed else "not ok - ") + name + ("" if passed else ": " + str(detail)))


def psql(*statements):
    """Run statements as the superuser; returns the output."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
    for statement in statements:
        command += ["-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def free_port():
    """A TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    """Text of a URL; "" while there is no answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def wait_for(what, condition):
    """Call condition() until it returns something true, and return that."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    sys.exit(f"watching: {what} did not happen in {LIMIT} s")


def fill():
    """A table with an index of each access method, rows in segments and logs, and searches."""
    psql(
        "CREATE EXTENSION barq",
        "CREATE ROLE watcher LOGIN",
        "GRANT pg_monitor TO watcher",
        "CREATE TABLE items (id int, v vector(8), body text)",
        "INSERT INTO items SELECT i, array_agg(sin(i * j))::vector, 'word' || i % 50"
        " FROM generate_series(1, 3000) i, generate_series(1, 8) j GROUP BY i",
        "CREATE INDEX items_graph ON items USING barq_hnsw (v vector_l2_ops)",
        "CREATE INDEX items_lists ON items USING barq_ivf (v vector_l2_ops)",
        "CREATE INDEX items_text ON items USING barq_bm25 (body) WITH (text_config = 'simple')",
    )


def use():
    """Some inserts and searches of each index."""
    psql(
        "INSERT INTO items SELECT id + 10000, v, body FROM items LIMIT 200",
        "SELECT barq_seal('items_graph')",
        "SET enable_seqscan = off",
        "SELECT id FROM items ORDER BY v <-> '[1,0,0,0,0,0,0,0]' LIMIT 5",
        "SELECT id FROM items WHERE body @@@ 'word7' ORDER BY body <@> 'word7' LIMIT 5",
    )


def metric_names(queries):
    """Names of the metrics that queries.yaml defines; its form is fixed, so lines suffice."""
    names, group = [], None
    for line in queries.splitlines():
        if match := re.match(r"(\w+):$", line):
            group = match[1]
        elif match := re.match(r"    - (\w+): \{usage: (?:GAUGE|COUNTER)", line):
            names.append(f"{group}_{match[1]}")
    return names


def dashboard_expressions():
    """Expressions of the dashboard, its variables replaced."""
    with open(os.path.join(WATCHING, "dashboard.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], re.sub(r"\$(database|index)\b", ".*", expression)


def alert_expressions():
    """Name and expression of each alert rule."""
    with open(os.path.join(WATCHING, "alerts.yml"), encoding="utf-8") as file:
        text = file.read()
    alerts = re.findall(r"- alert: (\w+)\n(?:\s+#.*\n)*\s+expr: (.*)\n", text)
    check(len(alerts) == text.count("- alert:"), "each alert has an expression", alerts)
    return alerts


def start(programs, folder):
    """Start the exporter and Prometheus; returns Prometheus's address."""
    exporter, prometheus = free_port(), free_port()
    environment = dict(
        os.environ,
        DATA_SOURCE_NAME=f"postgresql://watcher@/postgres?host={os.environ['PGHOST']}"
        f"&port={os.environ['PGPORT']}&sslmode=disable",
    )
    config = os.path.join(folder, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{os.path.abspath(os.path.join(WATCHING, 'alerts.yml'))}]\n"
            "scrape_configs:\n  - job_name: postgres\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n"
        )
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        for command in (
            ["prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{exporter}",
             "--extend.query-path", os.path.join(WATCHING, "queries.yaml")],
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
             f"--web.listen-address=127.0.0.1:{prometheus}"],
        ):
            programs.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    return f"http://127.0.0.1:{prometheus}"


def query(address, expression):
    """Number of series that an expression returns; an error of Prometheus as text."""
    text = get(f"{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    if not text:
        return "no answer"
    answer = json.loads(text)
    return len(answer["data"]["result"]) if answer["status"] == "success" else answer["error"]


def main():
    """All checks."""
    rules = subprocess.run(["promtool", "test", "rules", "alerts_test.yml"], cwd=WATCHING,
                           capture_output=True, text=True)
    check(rules.returncode == 0, "promtool test rules", rules.stdout + rules.stderr)
    with open(os.path.join(WATCHING, "alerts_test.yml"), encoding="utf-8") as file:
        tested = file.read()
    alerts = alert_expressions()
    for name, _ in alerts:
        check(f"alertname: {name}\n        exp_alerts:" in tested, f"{name} has a test that it fires")

    fill()
    use()  # counters appear with the first use
    with open(os.path.join(WATCHING, "queries.yaml"), encoding="utf-8") as file:
        names = metric_names(file.read())
    programs = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            address = start(programs, folder)
            # a rate needs two values
            wait_for("a scrape", lambda: query(address, "barq_index_rows") == 3)
            use()
            wait_for("a second scrape", lambda: query(address, "increase(barq_use_searches[1m]) > 0") == 2)
            for name in names:
                found = query(address, name)
                check(isinstance(found, int) and found > 0, f"metric {name}", found)
            for title, expression in dashboard_expressions():
                found = query(address, expression)
                check(isinstance(found, int) and found > 0, f"dashboard: {title}: {expression}", found)
            for name, expression in alerts:
                for metric in set(re.findall(r"\bbarq_\w+", expression)):
                    check(metric in names, f"{name}: {metric} is a metric")
                found = query(address, expression)
                check(isinstance(found, int), f"alert {name}: {expression}", found)
            text = get(f"{address}/api/v1/rules")
            health = [rule["health"] for group in json.loads(text)["data"]["groups"] for rule in group["rules"]]
            check(len(health) == len(alerts) and "err" not in health, "Prometheus evaluates the rules", health)
        finally:
            for program in programs:
                program.terminate()
            for program in programs:
                program.wait()
    print(f"{results[True]} passed, {results[False]} failed")
    return results[False] > 0


if __name__ == "__main__":
    sys.exit(main())
