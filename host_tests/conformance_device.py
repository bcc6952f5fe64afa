"""The client's side of many scenarios, one after the other, in one process of CPython.

A line on standard input names a scenario, "GROUP NAME HOST PORT"; the answer ends with a line
"END OK" or "END FAILED". What is started once is not started again for each of some 700 runs.
"""

import gc
import sys

import streams
from driver import Script, blocking
from expand import find
from looking import Mismatch


def run(group: str, name: str, host: str, port: str) -> str:
    """One scenario; what is left of it is closed, whatever its end."""
    scenario = find(group, name)
    script = Script(host, int(port), scenario=scenario)
    try:
        blocking(script, script.run(scenario["client"]))
    except Exception as error:
        if not isinstance(error, Mismatch):
            streams.print_exception(error)
        return "END FAILED"
    finally:
        if script.client is not None:
            script.client.close()
        del script
        streams.writes.clear()
        gc.collect()
    return "END OK"


if __name__ == "__main__":
    while line := sys.stdin.readline():
        print(run(*line.split()), flush=True)
