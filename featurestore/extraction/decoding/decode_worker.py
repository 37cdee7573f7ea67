"""The program of a decoding worker.

Requests on stdin, answers on stdout, bytes and frames in inherited memory.

Started by `sandbox.py` as `python -m featurestore.extraction.decoding.decode_worker PARENT MEDIA_FD
FRAMES_FD FRAMING LIMITS`. It imports what decoding needs and nothing more, locks itself into the
jail, says `ready` and which layers hold, and opens no file again.
"""

import io
import json
import mmap
import sys
from dataclasses import asdict
from typing import Any

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.isolation import jail
from featurestore.extraction.decoding.parent_death import end_with
from featurestore.extraction.decoding.pictures.archive import decode_zip
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import MAX_DETAIL_CHARS, OK, Reason
from warehouse.errors import Rejected
from warehouse.printable import printable

READY = "ready"

_DECODERS = {"video": decode_video, "frames_zip": decode_zip}


def main() -> None:
    """Answer requests until stdin ends."""
    parent, media_fd, frames_fd = (int(word) for word in sys.argv[1:4])
    framing = Framing(**json.loads(sys.argv[4]))
    limits = WorkLimits(**json.loads(sys.argv[5]))
    out = DecodedFrames.within(memoryview(mmap.mmap(frames_fd, framing.num_bytes)), framing)
    end_with(parent)
    _answer(READY, " ".join(jail.lock()))
    for line in sys.stdin:
        outcome, detail, facts = _decode(line.strip(), media_fd, framing, limits, out)
        _answer(outcome, detail, asdict(facts) if facts else None)


def _decode(
    kind: str, media_fd: int, framing: Framing, limits: WorkLimits, out: DecodedFrames
) -> tuple[str, str, MediaFacts | None]:
    """Decode what lies in the media memory into `out`.

    Whatever happens, one outcome comes back, with its detail, and what is known of the medium.
    """
    try:
        unbuffered = io.FileIO(media_fd, closefd=False)
        # In place of the descriptor's number, which would stand in what the decoder says.
        unbuffered.name = "media"
        with io.BufferedReader(unbuffered) as media:
            media.seek(0)
            decoded = _DECODERS[kind](media, framing, limits)
            decoded.copy_to(out)
    except Rejected as rejected:
        return rejected.reason, rejected.sentence, None
    except MemoryError:
        sentence = f"decoding takes more than {jail.MEMORY_BYTES} bytes of memory"
        return Reason.OUT_OF_MEMORY, sentence, None
    except Exception:  # noqa: BLE001 - damaged files make decoders raise nearly anything
        # What they say of it may name an address in memory, and equal files give equal ledgers.
        return Reason.DECODE_ERROR, "the decoder fails at its bytes: they are damaged", None
    return OK, "", decoded.facts


def _answer(outcome: str, detail: str, facts: dict[str, Any] | None = None) -> None:
    words = [outcome, printable(detail, MAX_DETAIL_CHARS), facts]
    print(json.dumps(words), flush=True)  # noqa: T201 - stdout is the channel


if __name__ == "__main__":
    main()
