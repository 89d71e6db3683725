"""Put random faults into the core and count those that no test notices.

    nice -n 15 python -m tests.mutations --count 200 --seed 1 --jobs 2

The same seed draws the same mutations of the same tree. Results are kept in a file (`--results`), and what it holds
about an unchanged module is not tried again; `--again` tries those that were alive once more, after tests were added.
200 take about half an hour of two cores. The exit code is 1 if less than 95 % are noticed, or more than 5 % are listed
as equivalent.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import sys
import tempfile
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import attrs

from tests.mutations.operators import ROOT, Mutation, all_mutations, drawn
from tests.mutations.trial import STAGES, Result, Tree

EQUIVALENT = Path(__file__).parent / "equivalent.toml"
LEAST_NOTICED = 0.95
MOST_EQUIVALENT = 0.05
UNTRIED = Result("alive")


def main() -> int:
    """Try the mutations and print what became of each."""
    options = _options()
    chosen = drawn(options.count, options.seed)
    if options.only:
        chosen = [one for one in chosen if options.only in f"{one.file}:{one.line}"]
    known = _read(options.results, again=options.again)
    equivalent = equivalents()
    if options.list:
        for mutation in chosen:
            print(describe(mutation))
        return 0
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        trees: SimpleQueue[Tree] = SimpleQueue()
        to_try = [one for one in chosen if one.key not in equivalent and not _settled(known.get(_named(one)), options)]
        for at in range(min(options.jobs, len(to_try))):
            trees.put(Tree(Path(folder) / str(at)))
        if to_try and options.check_first:
            tree = trees.get()
            if (by := tree.run_unchanged()) is not None:
                print(f"the suites fail without any mutation: {by}")
                return 2
            trees.put(tree)
        tried = {_named(one): pool.submit(_try, one, known.get(_named(one), UNTRIED), trees, options) for one in to_try}
        for number, mutation in enumerate(chosen, 1):
            name = _named(mutation)
            if mutation.key in equivalent:
                outcome, by = "equivalent", equivalent[mutation.key]
            else:
                result = tried[name].result() if name in tried else known[name]
                outcome, by = result.outcome, f"{result.by or ''} ({result.seconds} s)"
            outcomes[outcome] += 1
            print(f"[{number}/{len(chosen)}] {outcome}: {by}\n{describe(mutation)}", flush=True)
    return _verdict(outcomes)


def _verdict(outcomes: Counter[str]) -> int:
    total = outcomes.total()
    noticed = outcomes["noticed"] + outcomes["hung"]
    real = total - outcomes["equivalent"]
    print(
        f"{total} mutations: {noticed} noticed (of these {outcomes['hung']} by a test that did not end), "
        f"{outcomes['alive']} alive, {outcomes['equivalent']} equivalent; "
        f"{noticed / max(real, 1):.1%} of those that change something noticed"
    )
    return int(noticed < LEAST_NOTICED * real or outcomes["equivalent"] > MOST_EQUIVALENT * total)


def describe(mutation: Mutation) -> str:
    """Return where a mutation is and what it changes."""
    source = (ROOT / mutation.file).read_bytes()
    old, new = source.decode().splitlines(), mutation.text(source).decode().splitlines()
    changed = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:2] not in ("--", "++", "@@")]
    where = f"{mutation.file}:{mutation.line} {mutation.function} ({mutation.kind})"
    return "\n".join([f"  {where}", *(f"    {line}" for line in changed)])


def equivalents() -> dict[tuple[str, str, str, str, int], str]:
    """Return the mutations that change nothing, with the reason of each."""
    listed = tomllib.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    return {
        (one["file"], one["function"], one["before"], one["after"], one.get("which", 0)): one["reason"]
        for one in listed.get("mutation", [])
    }


def unknown_equivalents() -> set[tuple[str, str, str, str, int]]:
    """Return what is listed as equivalent and is no mutation of this tree."""
    return set(equivalents()) - {one.key for one in all_mutations()}


def _named(mutation: Mutation) -> str:
    """Name a mutation together with the text of its module, so that a result holds for that text only."""
    digest = hashlib.sha256((ROOT / mutation.file).read_bytes()).hexdigest()[:12]
    return json.dumps([digest, mutation.start, *mutation.key])


def _settled(result: Result | None, options: argparse.Namespace) -> bool:
    return result is not None and (result.outcome != "alive" or result.stages >= options.stages)


def _try(mutation: Mutation, before: Result, trees: SimpleQueue[Tree], options: argparse.Namespace) -> Result:
    tree = trees.get()
    try:
        result = tree.try_out(mutation, before, options.stages)
    finally:
        trees.put(tree)
    line: dict[str, Any] = {"mutation": _named(mutation), "line": mutation.line, "kind": mutation.kind}
    line |= attrs.asdict(result)
    with options.results.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return result


def _read(results: Path, *, again: bool) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for line in results.read_text().splitlines() if results.exists() else []:
        one = json.loads(line)
        found[one["mutation"]] = Result(one["outcome"], one["by"], one["seconds"], one["stages"])
    return {name: result for name, result in found.items() if not (again and result.outcome == "alive")}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="how many mutations (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (default: %(default)s)")
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "build" / "mutations.jsonl",
        help="the file that keeps results (default: build/mutations.jsonl)",
    )
    parser.add_argument(
        "--stages",
        type=int,
        default=len(STAGES),
        help="how many suites to run: 1 the walks, 2 the core, 3 sessions too, ... (default: all %(default)s)",
    )
    parser.add_argument("--again", action="store_true", help="try those again that were alive")
    parser.add_argument("--only", metavar="FILE[:LINE]", help="of those drawn, only the ones at this place")
    parser.add_argument("--list", action="store_true", help="print the mutations, and try none")
    parser.add_argument("--check-first", action="store_true", help="run the suites without a mutation before")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    sys.exit(main())
