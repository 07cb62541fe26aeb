//! A RAW's embedded preview.
