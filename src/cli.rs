//! What can be written on the command line. What it means is decided in `commands` and `config`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use jiff::civil::Date;
use procession_domain::{
    GalleryId, Region, StudioId, Timestamp,
    gallery::{Consent, TimeZoneName},
};

use procession_web::access::Scope;

use crate::{config::Memory, upload::CodingChoice};

/// Turns folders of wedding photos into finished, safe, browsable galleries.
///
/// Every original is stored and read back before it is processed, so nothing is lost whenever the power goes: give the same
/// command again and it goes on where it ended.
#[derive(Debug, Parser)]
#[command(name = "procession", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 all done; 1 finished, but something failed; 2 wrong usage or could not run.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Global {
    /// Configuration file [default: ~/.config/procession/config.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the ledger, the signing key and, by default, the store [default: ~/.local/share/procession]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// JSON on standard output instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but what failed
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// What is logged to standard error, such as "debug" or "procession_flow=debug" [default: $RUST_LOG, or warnings]
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a finished gallery of folders of photos
    Process(Process),
    /// Run the service: API, uploads, workers and pages in one process
    Serve(Serve),
    /// Send folders of photos to a service, and get the receipt for them
    Upload(Upload),
    /// Look after the keys that open the service
    #[command(subcommand)]
    Key(Key),
    /// Look at galleries
    #[command(subcommand)]
    Gallery(Gallery),
    /// Look after the stored originals
    #[command(subcommand)]
    Vault(Vault),
    /// Find out whether a memory card can be formatted
    #[command(subcommand)]
    Receipt(Receipt),
    /// Tell how many photos are expected to arrive in the week to come
    #[command(subcommand)]
    Forecast(Forecast),
    /// Look after the models that find faces and scenes
    #[command(subcommand)]
    Models(Models),
    /// Simulate days or years of weddings over fleets in several regions, with the decisions of production
    Simulate(Simulate),
    /// Tell what this machine has and what is missing
    Doctor(Doctor),
    /// Show the configuration that is in force and where each value comes from
    Config(ShowConfig),
    /// Write completions for a shell to standard output
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual page to standard output
    Man,
}

#[derive(Args, Debug)]
pub(crate) struct Process {
    /// Folders of photos; what is in folders below them counts too
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folders: Vec<PathBuf>,
    /// Folder of the result: variants, gallery.json, receipt.json, index.html
    #[arg(long, short, value_name = "OUT", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    /// What people call the gallery [default: the name of the first folder]
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Name by which the gallery is known here: the same name adds to the same gallery [default: the folders' paths]
    #[arg(long, value_name = "NAME")]
    pub(crate) gallery: Option<String>,
    /// Day of the wedding, as the couple would write it; decides how soon the gallery is due
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) wedding_date: Option<Date>,
    /// Time zone of the venue, such as Europe/Rome [default: this computer's]
    #[arg(long, value_name = "ZONE", requires = "wedding_date")]
    pub(crate) time_zone: Option<TimeZoneName>,
    /// What the studio has recorded consent for: faces=yes groups guests, in this gallery alone
    #[arg(long, value_name = "faces=yes|no", value_parser = consent)]
    pub(crate) consent: Option<Consent>,
    /// Pipeline of all photos, or "auto" to choose for each
    #[arg(long, value_name = "auto|NAME", default_value = "auto")]
    pub(crate) pipeline: String,
    #[command(flatten)]
    pub(crate) stores: Stores,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// How the outside reaches the service, such as https://photos.example.com [default: the address itself]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = crate::config::public_url)]
    pub(crate) public_url: Option<String>,
    /// What this process does, some of api, worker and controller [default: all]
    #[arg(long, value_name = "ROLE,…")]
    pub(crate) roles: Option<crate::config::Roles>,
    /// End when standard input does: for whoever starts this and must not leave it behind
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
    #[command(flatten)]
    pub(crate) stores: Stores,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Args, Debug)]
pub(crate) struct Upload {
    /// Folders of photos; what is in folders below them counts too
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folders: Vec<PathBuf>,
    /// The service, such as https://photos.example.com
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = crate::config::public_url)]
    pub(crate) to: String,
    /// API key with the scopes read and upload; better in the environment, where nobody sees it
    #[arg(long, value_name = "KEY", env = "PROCESSION_KEY", hide_env_values = true)]
    pub(crate) key: String,
    /// Name by which the studio knows the gallery: the same name adds to the same gallery [default: this computer's name,
    /// the folders' paths and the wedding's date]
    #[arg(long, value_name = "NAME")]
    pub(crate) gallery: Option<String>,
    /// What people call the gallery [default: the name of the first folder]
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Day of the wedding, as the couple would write it; decides how soon the gallery is due
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) wedding_date: Option<Date>,
    /// Time zone of the venue, such as Europe/Rome [default: this computer's]
    #[arg(long, value_name = "ZONE", requires = "wedding_date")]
    pub(crate) time_zone: Option<TimeZoneName>,
    /// What the studio has recorded consent for: faces=yes groups guests, in this gallery alone
    #[arg(long, value_name = "faces=yes|no", value_parser = consent)]
    pub(crate) consent: Option<Consent>,
    /// Requests at the same time
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) parallel: u16,
    /// A longer photo goes in parts of at most so many MiB, at the same time
    #[arg(long, value_name = "MIB", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) part: u16,
    /// How photos travel; they are stored as they were in any case
    #[arg(long, value_enum, value_name = "CODING", default_value = "auto")]
    pub(crate) coding: CodingChoice,
    /// Write the receipt to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) receipt: Option<PathBuf>,
    /// Give up if nothing gets through for so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    pub(crate) patience: u32,
}

#[derive(Args, Debug, Default)]
pub(crate) struct Stores {
    /// Folder that keeps a copy of every original; give it once for each disk [default: the data folder's store]
    #[arg(long = "store", value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub(crate) stores: Vec<PathBuf>,
}

#[derive(Args, Debug, Default)]
pub(crate) struct Resources {
    /// Photos that are processed at the same time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Memory for photos in flight, such as 4GiB or 25% [default: 25%]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Memory>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// All keys of a studio with what they may do
    List {
        /// The studio's id [default: the studio of this installation]
        #[arg(long, value_name = "ID")]
        studio: Option<StudioId>,
    },
    /// Make a key and show it, for the only time
    Create {
        /// What people call it, such as "Lightroom plug-in"
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do: read, upload, edit, admin, operate
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// The studio's id [default: the studio of this installation]
        #[arg(long, value_name = "ID")]
        studio: Option<StudioId>,
    },
    /// End a key, and every session that was begun with it
    Revoke {
        /// The public part of the key: 24 hex digits
        id: String,
    },
    /// Sign addresses and cookies with a new secret from now on; what the old ones signed stays valid until its end
    RotateSecret,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Gallery {
    /// All galleries, the latest first
    List,
    /// One gallery with its photos
    Show {
        /// Its id: 24 hex digits
        id: GalleryId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// Read every original in every store and compare it with its hash
    Verify(Stores),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Receipt {
    /// Hash the files of a memory card or folder and look for each in a receipt; needs no network and no data folder
    Check {
        /// The receipt.json of a gallery
        #[arg(value_hint = ValueHint::FilePath)]
        receipt: PathBuf,
        /// The memory card or folder
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
        /// Accept only a receipt that was signed with this public key (64 hex digits)
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Forecast {
    /// The days to come, with the most and the least to be expected; all hours with --json
    Show(Past),
    /// The same days, with what makes each of them more or less than an ordinary one
    Explain(Past),
    /// The last weeks forecast again from what was known before each, beside simpler ways
    Backtest {
        #[command(flatten)]
        past: Past,
        /// How many weeks
        #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=104))]
        weeks: u32,
    },
    /// Take over the history of another system, for `procession serve` to forecast from; the same file again changes nothing
    Import(Import),
    /// Write the history that the ledger has kept to standard output, as files that --history, --bookings and import read
    Export {
        /// The weddings that were announced, instead of the arrivals
        #[arg(long)]
        bookings: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// The arrivals as lines hour,region,photos, or with a fourth column megapixels; hours that are missing stay as they are
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) history: PathBuf,
    /// The weddings that were announced as lines wedding,region,announced_at; not those that this installation has galleries of
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) bookings: Option<PathBuf>,
    /// Take the file's figures for hours of which others are known
    #[arg(long)]
    pub(crate) replace: bool,
    /// Only tell what would be taken over
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What a forecast is made from.
#[derive(Args, Debug)]
pub(crate) struct Past {
    /// The arrivals as a file of lines hour,region,photos; hours that are missing had none [default: what the ledger has
    /// kept]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) history: Option<PathBuf>,
    /// The weddings that were announced as a file of lines wedding,region,announced_at [default: what the ledger has
    /// kept; with --history none]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "history")]
    pub(crate) bookings: Option<PathBuf>,
    /// The region whose photos are meant; its time zone and holidays count [default: this installation's]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<Region>,
    /// As if it were that moment, such as 2026-06-20T12:00:00Z; what came after it is not looked at
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// All models with package, licence and whether they are here
    List,
    /// Bring the models here that are missing
    Fetch,
}

#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// One of the scenarios that come with Procession, or a file that ends in .toml [default: list them]
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub(crate) scenario: Option<String>,
    /// What chance follows from [default: the scenario's]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Folder for report.txt, report.json and index.html with charts
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) stores: Stores,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Args, Debug)]
pub(crate) struct ShowConfig {
    /// Write docs/config.md instead
    #[arg(long, hide = true)]
    pub(crate) markdown: bool,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.into_iter().find(|scope| scope.name() == text);
    known.ok_or_else(|| format!("there are {}", Scope::ALL.map(Scope::name).join(", ")))
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.to_owned().try_into().map_err(|_| "write it like 2026-06-20T12:00:00Z".to_owned())
}

fn consent(text: &str) -> Result<Consent, String> {
    match text {
        "faces=yes" => Ok(Consent { faces: true }),
        "faces=no" => Ok(Consent { faces: false }),
        _ => Err("write faces=yes or faces=no".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_table_of_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn consent_is_never_guessed() {
        assert_eq!(consent("faces=yes"), Ok(Consent { faces: true }));
        assert!(consent("yes").is_err());
    }

    #[test]
    fn a_zone_without_a_date_is_refused() {
        let parse =
            |args: &[&str]| Cli::try_parse_from([&["procession", "process", "in", "--out", "o"], args].concat());
        assert!(parse(&["--time-zone", "Europe/Rome"]).is_err());
        assert!(parse(&["--wedding-date", "2026-06-20", "--time-zone", "Europe/Rome"]).is_ok());
        assert!(parse(&["--wedding-date", "2026-06-20", "--time-zone", "Europe/Atlantis"]).is_err());
    }
}
