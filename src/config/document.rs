//! The table of settings for people.

use procession_plan::PIPELINES_TOML;

use super::{Config, Environment, settings::settings};

/// Key, value and origin of everything that is in force.
pub(crate) fn rows(config: &Config) -> Vec<(String, String, String)> {
    let origin = |key: &str| config.origins.get(key).cloned().unwrap_or_else(|| "default".to_owned());
    let settings = settings().map(|setting| (setting.key.to_owned(), (setting.show)(config)));
    let pipelines = config.pipelines.iter().map(|(name, pipeline)| {
        let names: Vec<&str> = pipeline.recipe.variants.iter().map(|spec| spec.name.as_str()).collect();
        (format!("pipelines.{name}"), names.join(", "))
    });
    settings.chain(pipelines).map(|(key, value)| (key.clone(), value, origin(&key))).collect()
}

/// The text of docs/config.md.
pub(crate) fn markdown() -> String {
    let defaults = Config::defaults(&Environment::from([("HOME", "~")]));
    let mut text = String::from(INTRODUCTION);
    text.push_str("| key | value | default | what it does |\n| --- | --- | --- | --- |\n");
    for setting in settings() {
        // These depend on the machine.
        let default = match setting.key {
            "threads" => "processors".to_owned(),
            _ => format!("`{}`", (setting.show)(&defaults)),
        };
        text.push_str(&format!("| `{}` | {} | {default} | {} |\n", setting.key, setting.kind.name(), setting.what));
    }
    text.push_str(STORES);
    text.push_str(PIPELINES);
    text.push_str(PIPELINES_TOML);
    text.push_str("```\n");
    text
}

const INTRODUCTION: &str = "\
# Configuration

This page is generated: `procession config --markdown > docs/config.md`.

Procession needs no configuration. What is configured comes, each over the one before it, from

1. the defaults;
2. a TOML file: `--config FILE`, or `$PROCESSION_CONFIG`, or `~/.config/procession/config.toml` where there is one;
3. the environment: `PROCESSION__` and the key in capitals with `__` between its parts, such as
   `PROCESSION__LIMITS__MAX_BYTES=1000000000`; several paths are separated by `:`, several names by `,`;
4. flags.

A key that is not on this page is an error, and all errors are told at once. Paths in a file are relative to that file.
`procession config` shows what is in force and where it comes from, but no secret. The variable of a secret may have `_FILE`
behind its name and then names a file that has the value, such as `PROCESSION__LEDGER_FILE=/run/secrets/ledger`.

";

const STORES: &str = "
## Stores

An entry of `stores` is a path, or a table with `folder` or with a bucket of an S3-compatible service:

```toml
region = \"eu-west-1\"
stores = [
    { region = \"us-east-1\", endpoint = \"https://s3.us-east-1.amazonaws.com\", bucket = \"originals\", access_key_file = \"us.key\", secret_key_file = \"us.secret\" },
    { region = \"eu-west-1\", folder = \"/mnt/b\" },
    \"/mnt/c\",
]
```

| key | needed | what it does |
| --- | --- | --- |
| `region` | | Where the store is; requests to a bucket are signed for it. By default the process's `region`; then requests are signed for us-east-1. |
| `folder` | for a folder | Its path. |
| `endpoint`, `bucket` | for a bucket | The service's URL and the bucket's name. |
| `access_key`, `secret_key` | for a bucket | The key; or `access_key_file`, `secret_key_file` with the paths of files that hold them. |
| `prefix` | | What every object's path begins with. |
| `storage_class` | | Storage class of what is written. |
| `request_timeout_seconds` | | One request has so long: 30. |
| `connect_timeout_seconds` | | A connection has so long to come about: 3. |
| `retries` | | A request that failed and may pass is repeated so often: 2. |

docs/operations.md says how a bucket is set up.
";

const PIPELINES: &str = "
## Pipelines

A `[pipelines.NAME]` in the file adds a pipeline or replaces one of these, which are there by default. `--pipeline NAME` takes
it for a whole gallery; `--pipeline auto` chooses among these three for each photo.

```toml
";
