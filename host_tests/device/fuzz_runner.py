"""Runs fuzz cases on any interpreter: `fuzz_runner.py CORPUS FIRST COUNT`.

The cases of the corpus (a line of hex each), then the mutations with those seeds. Prints a line
for each case that breaks a rule, `OUTCOMES` with how often each came, and OK if none did.
"""

import sys

import fuzz_mutate
import fuzz_target


def cases(path, first, count):
    """All of them, with a name each."""
    with open(path) as lines:
        for number, line in enumerate(lines):
            text = line.strip()
            yield (
                "line %d" % (number + 1),
                bytes([int(text[k : k + 2], 16) for k in range(0, len(text), 2)]),
            )
    for seed in range(first, first + count):
        yield "seed %d" % seed, fuzz_mutate.case(seed)[0]


def main(path, first, count):
    """Run them."""
    outcomes = {}
    broken = 0
    for name, data in cases(path, int(first), int(count)):
        try:
            outcome = fuzz_target.run(data).outcome
        except Exception as error:
            broken += 1
            print("BROKEN", name, type(error).__name__, error)
            continue
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print("OUTCOMES", *[outcomes.get(name, 0) for name in fuzz_target.OUTCOMES])
    if not broken:
        print("OK")


if __name__ == "__main__":
    main(*sys.argv[1:])
