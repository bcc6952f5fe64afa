"""Power lost at every block write of the flash: the store is valid, nothing is lost or doubled."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from running import HERE, Device

SCRIPT = str(HERE / "device" / "power_cut.py")


def cuts(interpreter: str, out: int, inbound: int, *more: str) -> int:
    device = Device(interpreter, SCRIPT, str(out), str(inbound), *more)
    device.start()
    problem = device.finish(200)
    assert not problem, problem
    found = re.search(r"cuts (\d+) of", "\n".join(device.output))
    assert found
    return int(found.group(1))


@pytest.mark.parametrize("interpreter", ["micropython64", "micropython32"])
@pytest.mark.parametrize(("out", "inbound"), [(40, 0), (0, 40), (30, 30)])
def test_nothing_is_lost_or_doubled_by_a_power_cut_at_any_write(
    interpreter: str, out: int, inbound: int
) -> None:
    assert cuts(interpreter, out, inbound) >= 100


@pytest.mark.parametrize("interpreter", ["micropython64", "micropython32"])
def test_nothing_is_lost_or_doubled_by_two_power_cuts(interpreter: str) -> None:
    """The second soon after the boot: what was in doubt still is."""
    assert cuts(interpreter, 20, 20, "twice") >= 100


FAULTS = {
    "PUBREL leaves before PUBREC is kept": (
        "session.py",
        "                self.store.release(packet_id)\n",
        "                pass\n",
    ),
    "a received id is not kept": ("session.py", "self.store.receive(packet_id)", "pass"),
    "a received id is not erased": ("session.py", "self.store.erase(packet_id)", "pass"),
    "a message is not kept": ("outbox.py", "self.store.accept(self, n)", "pass"),
    "a doubtful id is trusted": ("resume.py", "if store.doubtful in", "if 0 in"),
    "what a handler publishes ends the doubt": ("store.py", "kind == _P and self", "0 and self"),
    "a snapshot ends the doubt": ("store.py", "if i != half]", "if i]"),
    "PUBREC waits for the next write": ("resume.py", "session.acks_most = 0", "unused = 0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_with_a_fault_is_caught(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, right, wrong = FAULTS[fault]
    shutil.copytree(HERE.parent / "lib", tmp_path / "lib")
    source = tmp_path / "lib" / "umqtt_full" / name
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong))
    monkeypatch.setenv("UMQTT_FULL_LIB", str(tmp_path / "lib"))
    with pytest.raises(AssertionError, match=r"client:|cuts"):
        cuts("micropython64", 20, 20, "twice")
