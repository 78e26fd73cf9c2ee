"""A server with jobs as a process of its own, to be killed: `server_process.py FOLDER FRAME_S`.

Writes its port to FOLDER/port when it listens.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from time import time

import uvicorn
from tests.server.fakes import FakeSource, fake_services

from intone.server.app import create_app
from intone.server.jobs.room import JobLimits
from intone.server.jobs.service import JobService


def main(folder: Path, frame_s: float) -> None:
    source = FakeSource()
    source.behaviours["fake-custom"].frame_s = frame_s
    services = fake_services(folder, source)
    jobs = JobService(
        folder / "jobs",
        JobLimits(workers=3),
        source=services.source,
        pool=services.pool,
        admission=services.admission,
        library=services.library,
        metrics=services.metrics,
        wall_clock=time,
        new_id=lambda: token_hex(8),
    )
    listening = socket.create_server(("127.0.0.1", 0))
    part = folder / "port.part"
    part.write_text(str(listening.getsockname()[1]), encoding="ascii")
    os.replace(part, folder / "port")
    app = create_app(replace(services, jobs=jobs))
    uvicorn.Server(uvicorn.Config(app, log_config=None)).run([listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
