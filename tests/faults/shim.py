"""shim: the other side of tests/faults/shims/page.h, a page that a test shares with a preloaded shim."""
import mmap
import struct
from pathlib import Path

from server import BINARY, ROOT

WORDS = ("armed", "first", "span", "own", "rate", "seed", "calls", "failed")
KINDS, NOTE_BYTES = 24, 160
BYTES = 8 * (len(WORDS) + KINDS) + NOTE_BYTES


def library(name):
    """A shim that was built beside the server, or for another one of the same machine."""
    places = [folder / "tests" / "faults" / "shims" / f"lib{name}.so"
              for folder in (BINARY.parent, ROOT / "build-asan", ROOT / "build-gcc", ROOT / "build-clang")]
    found = next((place for place in places if place.exists()), None)
    assert found, f"no lib{name}.so: scripts/build asan makes it"
    return found


class Shim:
    """A shim and its page. Words are attributes: shim.armed = 1."""

    def __init__(self, name, path):
        self.path = Path(path)
        self.path.write_bytes(bytes(BYTES))
        with self.path.open("r+b") as file:
            vars(self)["page"] = mmap.mmap(file.fileno(), BYTES)
        self.settings = {"LD_PRELOAD": library(name), "FAULT_PAGE": self.path}

    def __getattr__(self, word):
        return struct.unpack_from("=Q", self.page, 8 * WORDS.index(word))[0]

    def __setattr__(self, word, value):
        if word in WORDS:
            struct.pack_into("=Q", self.page, 8 * WORDS.index(word), value)
        else:
            vars(self)[word] = value

    def kinds(self, names):
        """How many calls of each kind failed."""
        return dict(zip(names, struct.unpack_from(f"={len(names)}Q", self.page, 8 * len(WORDS))))

    def clear_kinds(self):
        struct.pack_into(f"={KINDS}Q", self.page, 8 * len(WORDS), *[0] * KINDS)

    def note(self):
        """Where the newest call that failed was made."""
        return self.page[8 * (len(WORDS) + KINDS):].split(b"\0")[0].decode(errors="replace")

    def arm(self, first=0, span=1, **words):
        """From now on calls count; those from `first` on fail, `span` of them."""
        self.armed = 0
        self.calls = self.failed = 0
        self.first, self.span = first, span
        for word, value in words.items():
            setattr(self, word, value)
        self.armed = 1

    def disarm(self):
        self.armed = 0
