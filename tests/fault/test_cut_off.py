"""A machine is cut off in a transaction of the catalog on PostgreSQL; the others go on."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import FULL, ROOT, Record, Start, serving_postgresql
from tests.fault.machines import network
from tests.shared_work import wait_for
from tests.week import processes
from warehouse import catalog
from warehouse.catalog.connections import BUSY_MILLISECONDS, make_engine

HOLD = """
import os, sys, time
from pathlib import Path
from warehouse import catalog
from warehouse.catalog.connections import make_engine
with catalog.writing(make_engine(os.environ["REELSTORE_CATALOG_URL"])):
    Path(sys.argv[1]).touch()
    time.sleep(3600)
"""


@pytest.mark.skipif(not FULL, reason="takes over a minute: made with the full count")
def test_a_writer_that_is_cut_off_in_its_transaction_lets_the_next_one_in(
    tmp_path: Path, start: Start, record: Record
) -> None:
    with network(tmp_path / "machines", 1) as (host, [machine]), serving_postgresql(host) as server:
        url = server.url.render_as_string(hide_password=False)
        told = os.environ | machine.environment | {"REELSTORE_CATALOG_URL": url}
        words = machine.words([sys.executable, "-c", HOLD, str(tmp_path / "held")])
        holder = start(words, "holder.log", cwd=ROOT, env=told)
        wait_for((tmp_path / "held").exists, 60)
        machine.cut_off()
        began = time.monotonic()
        with catalog.writing(make_engine(url)):
            seconds = time.monotonic() - began
        processes.kill(processes.descendants(holder.pid))
    record(
        "cut off, a writer",
        "1 machine whose link was taken down while it held the writers' lock on PostgreSQL: the"
        f" next writer was let in after {seconds:.0f} s, before it gave up at"
        f" {BUSY_MILLISECONDS // 1000} s",
    )
