"""Writes raw 640x360 pictures (yuv420p, 30 a second) to standard output.

The two rows of 16 cells at the top are the wall clock in milliseconds, modulo 2^32, least significant bit first, as
on the test card of the publishing page. The rest moves, so that an encoder has something to do.
"""

import sys
import time

import numpy

WIDTH, HEIGHT, CELL = 640, 360, 16


def main():
    generator = numpy.random.default_rng(7)
    # Blocks that move, and a grain that does not repeat: the encoder needs all of a megabit for it.
    blocks = generator.integers(60, 180, size=(HEIGHT // 8, (WIDTH + 240) // 8), dtype=numpy.uint8)
    picture = numpy.kron(blocks, numpy.ones((8, 8), dtype=numpy.uint8))
    grains = generator.integers(0, 24, size=(16, HEIGHT // 2, WIDTH), dtype=numpy.uint8)
    chroma = bytes([128]) * (WIDTH * HEIGHT // 2)
    begun = time.monotonic()
    frame = 0
    while True:
        shift = (frame * 2) % 240
        luma = picture[:, shift : shift + WIDTH].copy()
        luma[HEIGHT // 2 :] += grains[frame % 16]
        now = int(time.time() * 1000) % 2**32
        for bit in range(32):
            row, column = divmod(bit, 16)
            luma[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = 235 if now >> bit & 1 else 16
        try:
            sys.stdout.buffer.write(luma.tobytes() + chroma)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            return
        frame += 1
        time.sleep(max(0.0, begun + frame / 30 - time.monotonic()))


if __name__ == "__main__":
    main()
