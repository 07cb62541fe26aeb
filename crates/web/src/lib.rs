//! What people see of Procession. For now that is one page: [`album_page`] turns a finished gallery into a static
//! `index.html` that opens from disk, on a phone as on a desktop.
//!
//! A page can never be made to run what a file name says: markup is escaped by the template engine, data by
//! [`album_page`], and a content security policy stands behind both.

mod album;
pub mod range;
pub mod zip;

pub use album::album_page;
