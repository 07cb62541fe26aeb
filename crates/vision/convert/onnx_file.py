"""Reads and writes ONNX files with nothing but the standard library, so that equal input gives equal bytes.

Field numbers are those of onnx.proto3 (ONNX, Apache-2.0).
"""

import array
import struct

FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7
CODES = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q"}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(data):
    """Yields (field, wire type, value, raw bytes of the field)."""
    at = 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        start = at
        key = read()
        if key & 7 == 0:
            value = read()
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            size = read() if size is None else size
            value = data[at : at + size]
            at += size
        yield key >> 3, key & 7, value, data[start:at]



def attribute(name, value):
    head = text(1, name)
    if isinstance(value, float):
        return head + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    return head + b"".join(number(8, item) for item in value) + number(20, 7)


def attribute_list(**attributes):
    return b"".join(text(5, attribute(name, value)) for name, value in sorted(attributes.items()))


def value_info(name, shape, kind=FLOAT):
    dims = b"".join(text(1, number(1, d) if isinstance(d, int) else text(2, d)) for d in shape)
    return text(1, name) + text(2, text(1, number(1, kind) + text(2, dims)))


class Graph:
    """A model under construction: every call returns the name of its result."""

    def __init__(self, name):
        self.name, self.nodes, self.weights, self.count = name, [], [], 0

    def constant(self, values, shape, kind=FLOAT):
        self.count += 1
        name = f"c{self.count}"
        raw = struct.pack(f"<{len(values)}{CODES[kind]}", *values)
        dims = b"".join(number(1, d) for d in shape)
        self.weights.append(dims + number(2, kind) + text(8, name) + text(9, raw))
        return name

    def integers(self, values):
        return self.constant(values, [len(values)], INT64)

    def node(self, kind, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"t{self.count}"
        return self.add(kind, inputs, [output], attribute_list(**attributes))

    def add(self, kind, inputs, outputs, attributes=b""):
        """A node whose attributes are written already."""
        parts = b"".join(text(1, i) for i in inputs) + b"".join(text(2, o) for o in outputs) + text(4, kind)
        self.nodes.append(parts + attributes)
        return outputs[0]

    def model(self, inputs, outputs):
        """The file's bytes. Inputs and outputs are names, shapes and kinds; floats if there is no kind."""
        graph = b"".join(text(1, n) for n in self.nodes) + text(2, self.name)
        graph += b"".join(text(5, w) for w in self.weights)
        graph += b"".join(text(11, value_info(*i)) for i in inputs)
        graph += b"".join(text(12, value_info(*o)) for o in outputs)
        return number(1, 8) + text(2, "procession") + text(7, graph) + text(8, number(2, 13))

    def save(self, path, inputs, outputs):
        with open(path, "wb") as file:
            file.write(self.model(inputs, outputs))
