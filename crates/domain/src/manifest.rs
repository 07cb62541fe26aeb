//! What stands beside each original, so that a lost ledger can be rebuilt from any complete set of replicas.

use serde::{Deserialize, Serialize};

use crate::{gallery::Gallery, photo::Photo};

/// A photo and its gallery as they were when the original became durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this structure: 1.
    pub version: u32,
    /// The gallery.
    pub gallery: Gallery,
    /// The photo.
    pub photo: Photo,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StudioId;

    /// As the first version wrote it: without a studio, without a checksum, without a word on its scans.
    #[test]
    fn an_old_manifest_still_reads() {
        let old = r#"{
            "version": 1,
            "gallery": {
                "id": "78e139e9feb60dd6e9109464",
                "title": "Anna & Ben",
                "wedding": { "date": "2026-06-20", "time_zone": "Europe/Rome" },
                "consent": { "faces": true },
                "pipeline": "auto",
                "opened_at": "2026-06-21T00:00:00Z"
            },
            "photo": {
                "id": "84168abadcfe98f45c8e96cb",
                "gallery": "78e139e9feb60dd6e9109464",
                "original": "ORIGINAL",
                "bytes": 5,
                "format": "jpeg",
                "width": 6000,
                "height": 4000,
                "names": ["IMG_0001.jpg"],
                "capture": {},
                "stored_at": "2026-06-21T00:00:01Z"
            }
        }"#;
        let original = crate::ContentHash::of(b"photo").to_string();
        let manifest: Manifest = serde_json::from_str(&old.replace("ORIGINAL", &original)).unwrap();
        assert_eq!((manifest.gallery.studio, manifest.photo.crc32), (StudioId::local(), None));
        assert!(!manifest.photo.single_scan);
        assert_eq!(serde_json::from_value::<Manifest>(serde_json::to_value(&manifest).unwrap()).unwrap(), manifest);
    }
}
