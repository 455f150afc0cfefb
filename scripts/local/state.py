# SPDX-License-Identifier: MIT
"""What `services` remembers in its folder: state.json, with the boot it belongs to.

A record is {kind, port, folder, pid, start_time} (compose: {kind, name, port, project}). It is written as soon as the process
exists, so that an `up` that was interrupted can still be taken down.
"""
import fcntl
import json
import os
import shutil
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class State:
    """Use as `with State(folder, create) as state`: one command at a time works on a folder."""

    def __init__(self, folder, create):
        self.folder = folder.resolve()
        self.services = {}
        self.lock = None
        self.create = create

    def __enter__(self):
        if self.create:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.is_dir():
            self.lock = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self.lock, fcntl.LOCK_EX)
            self.read()
        return self

    def __exit__(self, *_):
        if self.lock is not None:
            os.close(self.lock)

    @property
    def file(self):
        return self.folder / "state.json"

    def read(self):
        if not self.file.exists():
            return
        kept = json.loads(self.file.read_text())
        self.services = kept["services"]
        if kept["boot_id"] != BOOT_ID.read_text().strip():
            # Processes of before the reboot are gone, whoever has their pids now. Ports and data stay.
            for service in self.services.values():
                service.pop("pid", None)
                service.pop("start_time", None)

    def save(self):
        text = json.dumps({"boot_id": BOOT_ID.read_text().strip(), "services": self.services}, indent=2)
        new = self.file.with_suffix(".new")
        new.write_text(text + "\n")
        new.rename(self.file)

    def folder_of(self, name):
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep(self, name, record):
        self.services[name] = record
        self.save()

    def forget(self, name):
        """Drops the record and the data of a service that has ended."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        if self.services.pop(name, None):
            self.save()

    def remove(self):
        """Nothing is left: the folder goes, unless something else is in it."""
        self.file.unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:
            pass
