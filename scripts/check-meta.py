#!/usr/bin/env python3
"""check-meta.py: is META.json what PGXN takes, and does it agree with the control
file, the changelog and the Debian package?

Fields and rules: the PGXN Meta Spec 1.0.0. Exit status 1, with a line for each fault.
"""
import json
import pathlib
import re
import sys

top = pathlib.Path(__file__).resolve().parent.parent
faults = []


def check(good, text):
    """Note a fault."""
    if not good:
        faults.append(text)


def semantic(version):
    """Is it a version by Semantic Versioning?"""
    return isinstance(version, str) and re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version)


meta = json.loads((top / "META.json").read_text())
control = dict(re.findall(r"^(\w+)\s*=\s*'?(.*?)'?$", (top / "barq.control").read_text(), re.M))
version = control["default_version"]

for field in ("name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"):
    check(meta.get(field), f"META.json: required field {field} is missing or empty")
check(re.fullmatch(r"[^\s/\\.][^\s/\\]+", meta["name"]), "META.json: name: two characters, no spaces and slashes")
check(semantic(meta["version"]), "META.json: version is no semantic version")
check(meta["license"] in ("postgresql", "apache_2_0", "bsd", "mit"), f"META.json: unknown license {meta['license']}")
check(meta.get("release_status", "stable") in ("stable", "testing", "unstable"), "META.json: release_status")
check(re.search(r"<\S+@\S+>$", meta["maintainer"]), "META.json: maintainer has no address")
check(meta["meta-spec"].get("version") == "1.0.0", "META.json: meta-spec version")
check(re.match(r"https?://", meta["meta-spec"].get("url", "")), "META.json: meta-spec url")
check(all(isinstance(tag, str) and 0 < len(tag) < 256 and "/" not in tag for tag in meta.get("tags", [])), "META.json: tags")
known = {"name", "version", "abstract", "description", "maintainer", "license", "provides", "meta-spec", "generated_by",
         "no_index", "prereqs", "release_status", "resources", "tags"}
for field in meta:
    check(field in known or field.lower().startswith("x_"), f"META.json: unknown field {field}")
for name, extension in meta["provides"].items():
    for field in ("file", "version"):
        check(extension.get(field), f"META.json: provides {name}: required field {field} is missing")
    for field in ("file", "docfile"):
        check((top / extension.get(field, ".")).exists(), f"META.json: provides {name}: there is no {extension.get(field)}")
    check(semantic(extension.get("version")), f"META.json: provides {name}: version is no semantic version")
for phase, kinds in meta.get("prereqs", {}).items():
    check(phase in ("configure", "runtime", "build", "test", "develop"), f"META.json: prereqs: unknown phase {phase}")
    for kind, needed in kinds.items():
        check(kind in ("requires", "recommends", "suggests", "conflicts"), f"META.json: prereqs: unknown kind {kind}")
        for name, least in needed.items():
            check(least == 0 or semantic(least), f"META.json: prereqs: version of {name}")

# what must agree
extension = meta["provides"].get("barq", {})
check(meta["version"] == version, f"META.json has version {meta['version']}, barq.control {version}")
check(extension.get("version") == version, f"META.json provides version {extension.get('version')}, barq.control has {version}")
lower = extension.get("abstract", "")
check(lower[:1].lower() + lower[1:] == control["comment"], "META.json: the abstract is not the control file's comment")
check(extension.get("abstract") == meta["abstract"], "META.json: two abstracts")
check(f"\n## [{version}]" in (top / "CHANGELOG.md").read_text(), f"CHANGELOG.md has no section of version {version}")
changelog = (top / "debian/changelog").read_text()
check(changelog.startswith(f"barq ({version}-"), f"debian/changelog does not begin with version {version}")
floor = re.search(r"PG_VERSION_NUM < (\d+)0000", (top / "src/base/compat.h").read_text()).group(1)
check(meta["prereqs"]["runtime"]["requires"]["PostgreSQL"] == f"{floor}.0.0", f"META.json: barq needs PostgreSQL {floor}")
check((top / "debian/pgversions").read_text().split()[-1] == f"{floor}+", f"debian/pgversions does not say {floor}+")

print("\n".join(faults), end="\n" if faults else "")
sys.exit(1 if faults else 0)
