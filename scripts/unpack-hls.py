"""unpack-hls.py check FILE | unpack WHEEL FILE: hls.js as one compressed ES module.

`check` ends with status 0 when FILE is what `unpack` makes.
"""

import gzip
import hashlib
import pathlib
import sys
import zipfile

MEMBER = "gradio/templates/frontend/assets/hls-DKvqWxTe.js"
MEMBER_HASH = "6692562e22d2d7b7325223f3cdc306c7bdad4e18b215a738817f84aa8832d4f2"
# The module keeps its class to itself, under a name that the minifier gave it.
EXPORTS, OUR_EXPORTS = b"export{wu as n,", b"export{Cu as Hls,wu as n,"
BANNER = b"/*! hls.js 1.6.15, (c) 2017 Dailymotion, Apache-2.0, https://github.com/video-dev/hls.js; exports changed */\n"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def ours(original):
    if digest(original) != MEMBER_HASH:
        raise SystemExit(f"{MEMBER} is not the file that was expected")
    assert original.count(EXPORTS) == 1 and b",Cu=class e{static get version(){" in original
    return BANNER + original.replace(EXPORTS, OUR_EXPORTS)


def original_of(packed):
    return gzip.decompress(packed).removeprefix(BANNER).replace(OUR_EXPORTS, EXPORTS)


def main():
    match sys.argv[1:]:
        case ["check", path]:
            file = pathlib.Path(path)
            return 0 if file.exists() and digest(original_of(file.read_bytes())) == MEMBER_HASH else 1
        case ["unpack", wheel, path]:
            with zipfile.ZipFile(wheel) as archive:
                packed = gzip.compress(ours(archive.read(MEMBER)), mtime=0)
            pathlib.Path(path).write_bytes(packed)
            print(f"== {path}: hls.js 1.6.15, {len(packed) // 1000} kB")
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


sys.exit(main())
