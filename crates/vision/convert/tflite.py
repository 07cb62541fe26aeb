"""The two networks of MediaPipe's face landmarker (.tflite, Apache-2.0) as ONNX.

Reads the flatbuffer by the field numbers of TensorFlow Lite's schema.fbs, and only the operators that these two networks
have. The convolutional one becomes channels-first; in the other every convolution is 1×1, thus a matrix product.
"""

import math
import struct

from onnx_file import Graph

ADD, CONCATENATION, CONV, DEPTHWISE, DEQUANTIZE, LOGISTIC, MAX_POOL, MUL, RESHAPE = 0, 2, 3, 4, 6, 14, 17, 18, 22
PAD, TRANSPOSE, MEAN, SUB, DIV, STRIDED_SLICE, PRELU, NEG, SUM, SQRT, RSQRT = 34, 39, 40, 41, 42, 45, 54, 59, 74, 75, 76
SQUARED_DIFFERENCE = 99
UNARY = {LOGISTIC: "Sigmoid", NEG: "Neg", SQRT: "Sqrt"}
BINARY = {ADD: "Add", MUL: "Mul", SUB: "Sub", DIV: "Div"}


class Table:
    """A flatbuffer table."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def offset(self, field):
        table = self.at - struct.unpack_from("<i", self.data, self.at)[0]
        (size,) = struct.unpack_from("<H", self.data, table)
        slot = 4 + 2 * field
        relative = struct.unpack_from("<H", self.data, table + slot)[0] if slot < size else 0
        return self.at + relative if relative else None

    def scalar(self, field, kind, default=0):
        at = self.offset(field)
        return default if at is None else struct.unpack_from("<" + kind, self.data, at)[0]

    def follow(self, field):
        at = self.offset(field)
        return None if at is None else at + struct.unpack_from("<I", self.data, at)[0]

    def table(self, field):
        return Table(self.data, self.follow(field))

    def vector(self, field, kind):
        at = self.follow(field)
        if at is None:
            return ()
        (count,) = struct.unpack_from("<I", self.data, at)
        return struct.unpack_from(f"<{count}{kind}", self.data, at + 4)

    def tables(self, field):
        at = self.follow(field) + 4
        found = []
        for _ in self.vector(field, "I"):
            found.append(Table(self.data, at + struct.unpack_from("<I", self.data, at)[0]))
            at += 4
        return found


class Tensor:
    def __init__(self, table, buffers):
        self.shape = list(table.vector(0, "i"))
        self.values = None
        data = bytes(buffers[table.scalar(2, "I")].vector(0, "B"))
        if data:
            kind = {0: "f", 1: "e", 2: "i"}[table.scalar(1, "b")]
            self.values = list(struct.unpack(f"<{len(data) // struct.calcsize(kind)}{kind}", data))


def reorder(values, shape, order):
    """The values of a tensor of up to four dimensions, transposed."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    index = [0]
    for axis in order:
        index = [i + step * strides[axis] for i in index for step in range(shape[axis])]
    return [values[i] for i in index]


class Converter:
    def __init__(self, data, name, channels_first):
        model = Table(data, struct.unpack_from("<I", data)[0])
        codes = [max(code.scalar(0, "b"), code.scalar(3, "i")) for code in model.tables(1)]
        network = model.tables(2)[0]
        self.tensors = [Tensor(t, model.tables(4)) for t in network.tables(0)]
        self.graph, self.first, self.names = Graph(name), channels_first, {}
        self.inputs, self.outputs = network.vector(1, "i"), network.vector(2, "i")
        self.operators = [(codes[o.scalar(0, "I")], o) for o in network.tables(3)]

    def name(self, index):
        """The ONNX name of a tensor; constants are written when first used."""
        if index not in self.names:
            tensor = self.tensors[index]
            self.names[index] = self.graph.constant(tensor.values, tensor.shape)
        return self.names[index]

    def convolution(self, kind, operator):
        x, kernel, bias = operator.vector(1, "i")
        weights, options = self.tensors[kernel], operator.table(4)
        count, height, width, channels = weights.shape
        activation = options.scalar(4 if kind == DEPTHWISE else 3, "b")
        if self.first:
            depthwise = kind == DEPTHWISE
            order, shape = ((3, 0, 1, 2), [channels, 1, height, width]) if depthwise else (
                (0, 3, 1, 2), [count, channels, height, width])
            stride = options.scalar(1, "i")
            pads = [0] * 4
            if options.scalar(0, "b") == 0:
                side = self.tensors[x].shape[1]
                pad = max((-(-side // stride) - 1) * stride + height - side, 0)
                pads = [pad // 2, pad // 2, pad - pad // 2, pad - pad // 2]
            constant = self.graph.constant(reorder(weights.values, weights.shape, order), shape)
            y = self.graph.node("Conv", [self.name(x), constant, self.name(bias)], kernel_shape=[height, width],
                                strides=[stride, stride], pads=pads, group=channels if depthwise else 1)
        else:
            assert kind == CONV and height == width == 1
            matrix = self.graph.constant(reorder(weights.values, [count, channels], (1, 0)), [channels, count])
            y = self.graph.node("Add", [self.graph.node("MatMul", [self.name(x), matrix]), self.name(bias)])
        assert activation in (0, 1)
        return self.graph.node("Relu", [y]) if activation else y

    def prelu(self, x, slopes):
        """slope·x + (1 - slope)·Relu(x): ONNX Runtime knows no PRelu in the layout in which it convolves, but these."""
        count = len(slopes)

        def scaled(x, factors):
            return self.graph.node("Conv", [x, self.graph.constant(factors, [count, 1, 1, 1])], group=count, kernel_shape=[1, 1])

        positive = scaled(self.graph.node("Relu", [x]), [1 - slope for slope in slopes])
        return self.graph.node("Add", [positive, scaled(x, slopes)])

    def slice(self, operator):
        x, begin, end, _ = operator.vector(1, "i")
        options, shape = operator.table(4), self.tensors[x].shape
        begins, ends, shrink = options.scalar(0, "i"), options.scalar(1, "i"), options.scalar(4, "i")
        start = [0 if begins >> i & 1 else v for i, v in enumerate(self.tensors[begin].values)]
        stop = [shape[i] if ends >> i & 1 else v for i, v in enumerate(self.tensors[end].values)]
        # A dropped axis has one element and stays: the caller reads the values in their order.
        stop = [start[i] + 1 if shrink >> i & 1 else v for i, v in enumerate(stop)]
        return self.graph.node("Slice", [self.name(x), self.graph.integers(start), self.graph.integers(stop)])

    def convert(self, kind, operator):
        graph, inputs, options = self.graph, operator.vector(1, "i"), operator.table(4)
        constant = self.tensors[inputs[1]].values if len(inputs) > 1 else None
        if kind in (CONV, DEPTHWISE):
            return self.convolution(kind, operator)
        if kind in UNARY:
            return graph.node(UNARY[kind], [self.name(inputs[0])])
        if kind in BINARY:
            return graph.node(BINARY[kind], [self.name(i) for i in inputs])
        if kind == RSQRT:
            return graph.node("Reciprocal", [graph.node("Sqrt", [self.name(inputs[0])])])
        if kind == SQUARED_DIFFERENCE:
            difference = graph.node("Sub", [self.name(i) for i in inputs])
            return graph.node("Mul", [difference, difference])
        if kind == PRELU:
            return self.prelu(self.name(inputs[0]), self.tensors[inputs[1]].values)
        if kind == MAX_POOL:
            size, stride = options.scalar(3, "i"), options.scalar(1, "i")
            return graph.node("MaxPool", [self.name(inputs[0])], kernel_shape=[size, size], strides=[stride, stride])
        if kind == PAD:
            pairs = [constant[2 * i : 2 * i + 2] for i in range(4)]
            pairs = [pairs[i] for i in (0, 3, 1, 2)] if self.first else pairs
            return graph.node("Pad", [self.name(inputs[0]), graph.integers([p[0] for p in pairs] + [p[1] for p in pairs])])
        if kind == MEAN:
            return graph.node("ReduceMean", [self.name(inputs[0])], axes=constant, keepdims=1)
        if kind == SUM:
            return graph.node("ReduceSum", [self.name(inputs[0]), graph.integers(constant)], keepdims=1)
        if kind == TRANSPOSE:
            return graph.node("Transpose", [self.name(inputs[0])], perm=constant)
        if kind == RESHAPE:
            if self.first:
                return graph.node("Flatten", [self.name(inputs[0])])
            return graph.node("Reshape", [self.name(inputs[0]), graph.integers(constant)])
        if kind == CONCATENATION:
            return graph.node("Concat", [self.name(i) for i in inputs], axis=options.scalar(0, "i"))
        if kind == STRIDED_SLICE:
            return self.slice(operator)
        raise ValueError(f"operator {kind} is not expected in these networks")

    def run(self, inputs):
        self.names.update(zip(self.inputs, inputs))
        for kind, operator in self.operators:
            (output,) = operator.vector(2, "i")
            if kind == DEQUANTIZE:
                self.tensors[output].values = self.tensors[operator.vector(1, "i")[0]].values
            else:
                self.names[output] = self.convert(kind, operator)
        return [self.names[i] for i in self.outputs]


def landmarks(data, path):
    """478 points (x, y, z in pixels of the 256 × 256 crop) and the logit of there being a face."""
    converter = Converter(data, "face_landmarks", True)
    points, score, _ = converter.run(["input"])
    converter.graph.node("Flatten", [points], output="points")
    converter.graph.node("Flatten", [score], output="presence")
    converter.graph.save(path, [("input", ["n", 3, 256, 256])], [("points", ["n", 1434]), ("presence", ["n", 1])])


def blendshapes(data, path):
    """52 coefficients from 146 of the points."""
    converter = Converter(data, "face_blendshapes", False)
    (output,) = converter.run(["input"])
    converter.graph.node("Reshape", [output, converter.graph.integers([1, 52])], output="blendshapes")
    converter.graph.save(path, [("input", [1, 146, 2])], [("blendshapes", [1, 52])])
