//! What this machine can read and write.
#![allow(unsafe_code)]

use serde::Serialize;

use crate::heif::{Codec, Heif};

/// A codec and whether it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// For people: "AVIF, writing".
    pub codec: &'static str,
    /// It works on this machine.
    pub available: bool,
    /// Library and version; where it is not available, what to do.
    pub detail: String,
}

/// Every codec that is not always there or whose version matters. Loads libheif.
pub fn capabilities() -> Vec<Capability> {
    let built_in = |codec, detail| Capability { codec, available: true, detail };
    let mut all = vec![
        built_in("JPEG", jpeg()),
        built_in("WebP", format!("libwebp {}", webp_version())),
        built_in("PNG, TIFF", "built in".to_owned()),
        built_in("RAW", "embedded previews of CR2, CR3, NEF, ARW, DNG, RAF, ORF, RW2, PEF, SRW".to_owned()),
    ];
    let library = Heif::get();
    let mut optional = |codec, works: fn(&Heif) -> bool, needs: &str| {
        let (available, detail) = match &library {
            Ok(library) if works(library) => (true, format!("libheif {}", library.version())),
            Ok(library) => (false, format!("libheif {} without a codec for it: install {needs}", library.version())),
            Err(error) => (false, error.to_string()),
        };
        all.push(Capability { codec, available, detail });
    };
    optional("HEIC, reading", |library| library.reads(Codec::Hevc), "libde265-0 or libheif-plugin-libde265");
    optional("AVIF, reading", |library| library.reads(Codec::Av1), "libdav1d or libheif-plugin-dav1d");
    optional("AVIF, writing", |library| library.writes(Codec::Av1), "libaom3 or libheif-plugin-aomenc");
    all
}

fn jpeg() -> String {
    unsafe extern "C" {
        fn jsimd_can_idct_islow() -> std::ffi::c_int;
    }
    // SAFETY: a function of the linked libjpeg that takes nothing and answers whether it has vector code for a transform.
    let vector_code = unsafe { jsimd_can_idct_islow() } != 0;
    let abi = mozjpeg_sys::JPEG_LIB_VERSION;
    if vector_code {
        format!("mozjpeg (libjpeg-turbo), ABI {abi}, with vector code")
    } else {
        format!("mozjpeg (libjpeg-turbo), ABI {abi}, without vector code: slow; build it with nasm installed")
    }
}

fn webp_version() -> String {
    // SAFETY: takes nothing and returns a number: 0x010203 is 1.2.3.
    let version = unsafe { libwebp_sys::WebPGetEncoderVersion() };
    format!("{}.{}.{}", version >> 16, version >> 8 & 255, version & 255)
}
