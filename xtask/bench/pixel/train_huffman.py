"""Trains the Huffman tables of crates/pixel/src/encode/jpeg/tables.rs, and prints that file.

    python train_huffman.py PICTURES > tables.rs

Each picture is written at three sizes and three qualities with tables of its own; the lengths of the codes in them say how
frequent each symbol is. The tables have a code for every symbol that a baseline file may need.
"""

import io
import sys
from pathlib import Path

from PIL import Image

Image.MAX_IMAGE_PIXELS = None
CLASSES = {0x00: "LUMA_DC", 0x10: "LUMA_AC", 0x01: "CHROMA_DC", 0x11: "CHROMA_AC"}
LONGEST = 16


def tables_of(file):
    """Class and number of each table, with its code lengths and symbols."""
    tables, at = {}, 2
    while file[at] == 0xFF and file[at + 1] != 0xDA:
        marker, end = file[at + 1], at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        part = at + 4
        while marker == 0xC4 and part < end:
            lengths = file[part + 1 : part + 17]
            symbols = file[part + 17 : part + 17 + sum(lengths)]
            tables[file[part]] = lengths, symbols
            part += 17 + sum(lengths)
        at = end
    return tables


def best_table(frequency, symbols):
    """Optimal codes of at most 16 bits, none of them all ones, by merging packages."""
    total = sum(frequency.values())
    spare = -1  # takes the code of all ones, which JPEG forbids
    items = [(frequency.get(symbol, 0) / total + 2.0**-19, (symbol,)) for symbol in symbols] + [(1e-12, (spare,))]
    items.sort()
    merged = []
    for _ in range(LONGEST):
        packages = sorted(items + merged)
        merged = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(packages[::2], packages[1::2])]
    length = {}
    for _, package in merged[: len(items) - 1]:
        for symbol in package:
            length[symbol] = length.get(symbol, 0) + 1
    last = max((symbol for symbol in length), key=lambda symbol: (length[symbol], symbol == spare))
    length[last], length[spare] = length[spare], length[last]
    del length[spare]
    ordered = sorted(length, key=lambda symbol: (length[symbol], -frequency.get(symbol, 0), symbol))
    return [sum(bits == count for bits in length.values()) for count in range(1, 17)], ordered


def main(folder):
    frequency = {table: {} for table in CLASSES}
    for path in sorted(Path(folder).rglob("*.jpg")):
        picture = Image.open(path).convert("RGB")
        for edge in (2048, 1024, 512):
            small = picture.copy()
            small.thumbnail((edge, edge), Image.LANCZOS)
            for quality in (75, 82, 90):
                file = io.BytesIO()
                small.save(file, "JPEG", quality=quality, subsampling=2, optimize=True)
                for table, (lengths, symbols) in tables_of(file.getvalue()).items():
                    bits = [length for length, count in enumerate(lengths, 1) for _ in range(count)]
                    for symbol, length in zip(symbols, bits):
                        frequency[table][symbol] = frequency[table].get(symbol, 0) + 2.0**-length
    print("//! Huffman tables that fit photos. Made by xtask/bench/pixel/train_huffman.py.\n")
    print("use crate::libjpeg::HuffmanTables;\n")
    names = ", ".join(f"(&{name}_LENGTHS, &{name}_SYMBOLS)" for name in CLASSES.values())
    print("/// Luma DC and AC, chroma DC and AC.")
    print(f"pub(super) const TABLES: HuffmanTables = [{names}];\n")
    for table, name in CLASSES.items():
        dc = range(12)
        ac = [zeros << 4 | size for zeros in range(16) for size in range(1, 11)] + [0x00, 0xF0]
        lengths, symbols = best_table(frequency[table], ac if table & 0x10 else dc)
        print(f"const {name}_LENGTHS: [u8; 16] = {lengths};")
        print(f"const {name}_SYMBOLS: [u8; {len(symbols)}] = {symbols};\n")


main(sys.argv[1])
