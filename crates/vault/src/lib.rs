//! Durable truth. [`Blobs`] keep bytes, the [`Ledger`] is their index and the queue of work.
//!
//! The blobs are the truth: a lost ledger is rebuilt from them. Whatever is written here is read back before anybody is
//! told that it is safe.

pub mod blobs;
pub mod bulk;
pub mod documents;
mod error;
pub mod ledger;

pub use blobs::{
    Blobs, Debt, Debts, DiskBlobs, Inventory, MemoryBlobs, Owed, Placed, Replicated, Replication, Room, S3Blobs,
    S3Options, Secret, inventory, verify_original,
};
pub use documents::{Decision, Document, Documents, Expect, Removal, Turn, Versioned};
pub use error::{Error, Result};
pub use ledger::{Arrival, Ask, Ledger, LedgerOptions, PostgresLedger, PostgresOptions, SqliteLedger, Stored};
