//! The servers that a URL names, one or several.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::{Error, Result};

/// How to reach each server of a URL, in its order. Several hosts are written as for libpq, each with a port of its own or
/// none: `postgres://user:password@one:5432,[::1]:5433/database`.
///
/// # Errors
/// `Invalid` for what is no such URL. The URL may hold a password: no error repeats it.
pub(super) fn servers(url: &str) -> Result<Vec<PgConnectOptions>> {
    let (before, hosts, after) = split(url)?;
    let after = without_target(after)?;
    let one = |host: &str| {
        if host.is_empty() && hosts.contains(',') {
            return Err(refused("one of its hosts has no name"));
        }
        PgConnectOptions::from_str(&format!("{before}{host}{after}")).map_err(|error| refused(&error.to_string()))
    };
    hosts.split(',').map(one).collect()
}

/// What comes before the hosts, the hosts, and what follows them. A password may hold commas and `@`.
fn split(url: &str) -> Result<(&str, &str, &str)> {
    let scheme = url.find("://").ok_or_else(|| refused("it has no scheme"))? + "://".len();
    let end = url[scheme..].find(['/', '?', '#']).map_or(url.len(), |at| scheme + at);
    let start = url[scheme..end].rfind('@').map_or(scheme, |at| scheme + at + 1);
    Ok((&url[..start], &url[start..end], &url[end..]))
}

/// libpq's word for what is done here anyway is passed over; its other words are refused, and so are its lists of hosts
/// behind the path.
fn without_target(after: &str) -> Result<String> {
    let Some((path, query)) = after.split_once('?') else { return Ok(after.to_owned()) };
    let mut kept = Vec::new();
    for parameter in query.split('&') {
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("target_session_attrs", "read-write" | "primary") => {}
            ("target_session_attrs", _) => {
                return Err(refused("target_session_attrs can only be read-write or primary"));
            }
            ("host" | "hostaddr" | "port", value) if value.contains(',') || value.contains("%2C") => {
                return Err(refused("several hosts stand before its path"));
            }
            _ => kept.push(parameter),
        }
    }
    Ok(format!("{path}?{}", kept.join("&")))
}

fn refused(why: &str) -> Error {
    let why = format!(
        "its URL cannot be read ({why}); write it like postgres://user:password@host/database, several hosts like one,two:5433"
    );
    Error::Refused { place: "ledger".to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<(String, u16)> {
        servers(url).unwrap().iter().map(|one| (one.get_host().to_owned(), one.get_port())).collect()
    }

    fn as_owned(hosts: &[(&str, u16)]) -> Vec<(String, u16)> {
        hosts.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect()
    }

    #[test]
    fn hosts_have_ports_of_their_own() {
        let one = "postgres://anna@db.example:5433/photos";
        assert_eq!(hosts(one), as_owned(&[("db.example", 5433)]));
        let three = "postgresql://anna:a,b@c%2C@10.0.0.1:5433,two,[fe80::1]:5434/photos?sslmode=disable";
        assert_eq!(hosts(three), as_owned(&[("10.0.0.1", 5433), ("two", 5432), ("[fe80::1]", 5434)]));
        let read = servers(three).unwrap();
        for server in &read {
            assert_eq!((server.get_username(), server.get_database()), ("anna", Some("photos")));
            // What the password is shows in the URL that is made of it.
            let shown = sqlx::ConnectOptions::to_url_lossy(server);
            assert_eq!(shown.password(), Some("a%2Cb%40c%2C"));
        }
        assert_eq!(hosts("postgres://h1,h2"), as_owned(&[("h1", 5432), ("h2", 5432)]));
        assert_eq!(hosts("postgres://h1,h2?sslmode=prefer"), as_owned(&[("h1", 5432), ("h2", 5432)]));
        assert_eq!(hosts("postgres://h/d?target_session_attrs=read-write&user=x").len(), 1);
        let sockets = servers("postgres://%2Fvar%2Frun,db/photos").unwrap();
        assert_eq!(sockets[0].get_socket().unwrap().to_str(), Some("/var/run"));
        assert!(sockets[1].get_socket().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_repeated() {
        for url in [
            "no url: secret",
            "postgres://anna:secret@one,,two/photos",
            "postgres://anna:secret@one,two:port/photos",
            "postgres://anna:secret@one,[::1/photos",
            "postgres://anna:secret@one/photos?host=a,b",
            "postgres://anna:secret@one/photos?port=1%2C2",
            "postgres://anna:secret@one,two/photos?target_session_attrs=standby",
        ] {
            let error = servers(url).unwrap_err();
            assert!(matches!(error, Error::Refused { .. }) && !error.to_string().contains("secret"), "{url}: {error}");
        }
    }
}
