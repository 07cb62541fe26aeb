//! Where the ledger is.

use std::{fmt, path::PathBuf};

/// A file for one machine, or a database for many.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum LedgerAddress {
    /// An SQLite file.
    File(PathBuf),
    /// The URL of a PostgreSQL database, with one server or several. A password can be in it: it is never shown.
    Postgres(String),
}

impl LedgerAddress {
    /// Whether the text is the URL of a database and not a path.
    pub(super) fn is_url(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }
}

impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => {
                // Whatever stands between the scheme and the last `@` of the authority can be secret, and parameters too.
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
                let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
                let database = path.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
                write!(f, "{scheme}://{hosts}/{database}")
            }
        }
    }
}

impl fmt::Debug for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let shown = |url: &str| LedgerAddress::Postgres(url.to_owned()).to_string();
        assert_eq!(
            shown("postgres://anna:se@cret@db.example:5432/photos?password=x"),
            "postgres://db.example:5432/photos"
        );
        assert_eq!(shown("postgresql://db"), "postgresql://db/");
        assert_eq!(shown("postgres://db?password=a/b@c"), "postgres://db/");
        assert_eq!(shown("postgres://anna:a,b@one:5433,[::1]/photos"), "postgres://one:5433,[::1]/photos");
        assert_eq!(LedgerAddress::File("/a/ledger.db".into()).to_string(), "/a/ledger.db");
    }
}
