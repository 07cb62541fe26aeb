//! Both servers, each as a process that ends with its value.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::clients::Image;
use crate::{
    figures::{number, text},
    run::{binary, program, quiet, root},
    setup,
};

/// `procession serve`, built for release.
pub(super) struct Procession {
    process: Child,
    _output: BufReader<ChildStdout>,
    pub(super) url: String,
    pub(super) key: String,
    /// Every photo is in this one.
    pub(super) gallery: String,
}

impl Procession {
    /// Starts it over a folder, with so much memory for delivery.
    pub(super) fn start(data: &Path, memory: Option<&str>) -> Result<Self> {
        let mut command = Command::new(binary("release"));
        command.args(["serve", "--json", "--listen", "127.0.0.1:0"]).env("PROCESSION_DATA", data);
        command.env("PROCESSION_MODELS", data.join("no-models"));
        if let Some(memory) = memory {
            command.env("PROCESSION__SERVICE__DELIVERY_MEMORY", memory);
        }
        fs::create_dir_all(data)?;
        let log = fs::File::create(data.join("log.txt"))?;
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().context("procession does not start")?;
        let mut output = BufReader::new(process.stdout.take().context("procession has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let (url, key) = (text(&line, "url")?, text(&line, "key")?);
        let mut service = Self { process, _output: output, url, key, gallery: String::new() };
        let opened = service.api("galleries", &["--json", r#"{"title":"Benchmark","name":"benchmark"}"#])?;
        service.gallery = text(&opened, "id")?;
        Ok(service)
    }

    /// What the API answers below `/api/v1`.
    pub(super) fn api(&self, path: &str, more: &[&str]) -> Result<String> {
        let (url, key) = (format!("{}/api/v1/{path}", self.url), format!("Authorization: Bearer {}", self.key));
        quiet(program("curl", &["--silent", "--show-error", "--fail", "--header", &key]).args(more).arg(url))
    }

    /// Waits until every photo is finished.
    pub(super) fn finish(&self) -> Result<()> {
        eprintln!("Waiting until the photos are finished");
        loop {
            let gallery = self.api(&format!("galleries/{}", self.gallery), &[])?;
            if number(&gallery, "waiting")? + number(&gallery, "working")? == 0.0 {
                return Ok(());
            }
            pause(Duration::from_millis(500));
        }
    }

    /// Every image of every photo.
    pub(super) fn images(&self) -> Result<Vec<Image>> {
        let photos = self.api(&format!("galleries/{}/photos?limit=1000", self.gallery), &[])?;
        let images = photos.split("{\"variant\":").skip(1);
        images.map(|image| Ok(Image { path: text(image, "url")?, bytes: number(image, "bytes")? as u64 })).collect()
    }
}

impl Drop for Procession {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// nginx over a folder.
pub(super) struct Nginx {
    process: Child,
    folder: PathBuf,
    pub(super) url: String,
}

impl Nginx {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        for part in ["files", "put", "temporary"] {
            fs::create_dir_all(folder.join(part))?;
        }
        // Free until somebody takes it, and who takes it here is nginx.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let text = fs::read_to_string(root().join("xtask/bench/serve/nginx.conf"))?.replace("PORT", &port.to_string());
        // As root, nginx would give its workers to a user who may not read here.
        let is_root = quiet(&mut program("id", &["-u"]))?.trim() == "0";
        fs::write(folder.join("nginx.conf"), if is_root { format!("user root;\n{text}") } else { text })?;
        let nginx = setup::located("nginx").context("nginx is not here")?;
        let prefix = format!("{}/", folder.display());
        let mut command = Command::new(nginx);
        command.args(["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"]).stderr(Stdio::null());
        let mut process = command.spawn().context("nginx does not start")?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if process.try_wait()?.is_some() {
                bail!("nginx ended: {}", fs::read_to_string(folder.join("error.log")).unwrap_or_default());
            }
            pause(Duration::from_millis(20));
        }
        Ok(Self { process, folder: folder.to_owned(), url: format!("http://127.0.0.1:{port}") })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where nginx has the image with this number.
    pub(super) fn path(number: usize, image: &Image) -> String {
        let extension = image.path.rsplit('.').next().unwrap_or_default();
        format!("/files/{number}.{extension}")
    }

    /// Puts the images of Procession into nginx's folder.
    pub(super) fn take(&self, procession: &Procession, images: &[Image]) -> Result<()> {
        let mut list = String::new();
        for (number, image) in images.iter().enumerate() {
            let path = self.folder.join(&Self::path(number, image)[1..]);
            list += &format!("url = \"{}{}\"\noutput = \"{}\"\n", procession.url, image.path, path.display());
        }
        let file = self.folder.join("images.txt");
        fs::write(&file, list)?;
        quiet(program("curl", &["--silent", "--show-error", "--fail", "--config"]).arg(file)).map(drop)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// SIGTERM, by which both end their own processes too.
fn end(process: &mut Child) {
    let _ = quiet(&mut program("kill", &[&process.id().to_string()]));
    let _ = process.wait();
}

#[allow(clippy::disallowed_methods, reason = "another program is waited for, which rings no bell")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
