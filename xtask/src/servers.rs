//! The servers that benchmarks compare, each as a process that ends with its value.

mod seaweed;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

pub(crate) use seaweed::Seaweed;

use crate::{
    figures::{number, text},
    run::{binary, program, quiet, root},
    setup,
};

/// An image of Procession.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// `procession serve`, built for release.
pub(crate) struct Procession {
    process: Child,
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Procession {
    /// Starts it over a folder, with these settings in its environment.
    pub(crate) fn start(data: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(binary("release"));
        command.args(["serve", "--json", "--listen", "127.0.0.1:0"]).env("PROCESSION_DATA", data);
        command.env("PROCESSION_MODELS", data.join("no-models")).envs(settings.iter().copied());
        fs::create_dir_all(data)?;
        let log = fs::File::create(data.join("log.txt"))?;
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().context("procession does not start")?;
        let mut output = BufReader::new(process.stdout.take().context("procession has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let (url, key) = (text(&line, "url")?, text(&line, "key")?);
        Ok(Self { process, _output: output, url, key })
    }

    /// Opens a gallery, or goes on with it, and returns its id.
    pub(crate) fn gallery(&self, name: &str) -> Result<String> {
        text(&self.api("galleries", &["--json", &format!(r#"{{"title":"{name}","name":"{name}"}}"#)])?, "id")
    }

    /// Waits until it has nothing to do.
    pub(crate) fn rest(&self) -> Result<()> {
        let mut before = self.ticks()?;
        loop {
            pause(Duration::from_millis(250));
            let now = self.ticks()?;
            // Two hundredths of a second: it looks around all the time.
            if now - before <= 2 {
                return Ok(());
            }
            before = now;
        }
    }

    /// The processor time that it took so far, in hundredths of a second.
    fn ticks(&self) -> Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).context("procession ended")?;
        // What is behind the program's name, which may have spaces in it.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        Ok(fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum())
    }

    /// What the API answers below `/api/v1`.
    pub(crate) fn api(&self, path: &str, more: &[&str]) -> Result<String> {
        let (url, key) = (format!("{}/api/v1/{path}", self.url), format!("Authorization: Bearer {}", self.key));
        quiet(program("curl", &["--silent", "--show-error", "--fail", "--header", &key]).args(more).arg(url))
    }

    /// Waits until every photo of a gallery is finished.
    pub(crate) fn finish(&self, gallery: &str) -> Result<()> {
        eprintln!("Waiting until the photos are finished");
        loop {
            let gallery = self.api(&format!("galleries/{gallery}"), &[])?;
            if number(&gallery, "waiting")? + number(&gallery, "working")? == 0.0 {
                return Ok(());
            }
            pause(Duration::from_millis(500));
        }
    }

    /// Every image of every photo of a gallery.
    pub(crate) fn images(&self, gallery: &str) -> Result<Vec<Image>> {
        let photos = self.api(&format!("galleries/{gallery}/photos?limit=1000"), &[])?;
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
pub(crate) struct Nginx {
    process: Child,
    folder: PathBuf,
    pub(crate) url: String,
}

impl Nginx {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
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

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where nginx has the image with this number.
    pub(crate) fn path(number: usize, image: &Image) -> String {
        let extension = image.path.rsplit('.').next().unwrap_or_default();
        format!("/files/{number}.{extension}")
    }

    /// Puts the images of Procession into nginx's folder.
    pub(crate) fn take(&self, procession: &Procession, images: &[Image]) -> Result<()> {
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
pub(crate) fn end(process: &mut Child) {
    let _ = quiet(&mut program("kill", &[&process.id().to_string()]));
    let _ = process.wait();
}

#[allow(clippy::disallowed_methods, reason = "another program is waited for, which rings no bell")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
