"""The measures of oehrpy, by its own Python: openehr_alternatives starts this file and asks.

It stands alone: the environment that has oehrpy has nothing of ours.
"""

import json
import sys
import time
from pathlib import Path

from oehrpy.serialization import flatten_dict, from_canonical, to_canonical, unflatten_dict
from oehrpy.templates import parse_opt
from oehrpy.validation import FlatValidator

SECONDS_A_ROUND = 0.02


def work(folder):
    """Each measure on the files of a folder, as a function to call."""
    opt = (folder / "template.opt").read_text()
    body, flat, web = (
        (folder / name).read_bytes() for name in ("canonical.json", "flat.json", "web.json")
    )
    composition = from_canonical(json.loads(body))
    validator = FlatValidator.from_web_template(json.loads(web))
    fields = json.loads(flat)
    return {
        "decode": lambda: from_canonical(json.loads(body)),
        "encode": lambda: json.dumps(to_canonical(composition)).encode(),
        "template": lambda: parse_opt(opt),
        "validate": lambda: validator.validate(fields),
        "flat to nested": lambda: unflatten_dict(json.loads(flat)),
        "objects to flat": lambda: json.dumps(flatten_dict(to_canonical(composition))).encode(),
        "web template": lambda: FlatValidator.from_web_template(json.loads(web)),
    }


def serve(calls_by_name):
    """Answer each line on stdin, the name of a measure, with a round's time a call in µs."""
    for line in sys.stdin:
        call = calls_by_name[line.strip()]
        begin = time.perf_counter()
        call()
        calls = max(1, int(SECONDS_A_ROUND / (time.perf_counter() - begin)))
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        print((time.perf_counter() - begin) / calls * 1e6, flush=True)


if __name__ == "__main__":
    serve(work(Path(sys.argv[1])))
