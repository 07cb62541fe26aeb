//! The demo's photos: whose they are, where they come from, and when of the day they were taken.

use anyhow::{Context, Result};

use super::exif::Exif;

/// One photo of the demo.
#[derive(Debug)]
pub(super) struct Photo {
    pub(super) package: String,
    pub(super) path: String,
    /// Of the file as it is in the package.
    pub(super) sha256: String,
    author: String,
    licence: String,
    /// None: the file is left as it is.
    pub(super) shot: Option<Shot>,
    name: String,
}

/// What the demo pretends about a photo, so that its gallery is a day with two photographers.
#[derive(Debug)]
pub(super) struct Shot {
    camera: String,
    /// `hh:mm:ss`
    time: String,
    /// Hundredths of a second, two digits.
    subsecond: String,
}

/// All photos, in the order of the day.
pub(super) fn all() -> Result<Vec<Photo>> {
    let lines = include_str!("../../demo/photos.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| parse(line).with_context(|| format!("xtask/demo/photos.txt: {line}"))).collect()
}

fn parse(line: &str) -> Result<Photo> {
    let cells: Vec<String> = line.split(" | ").map(str::to_owned).collect();
    let [package, path, sha256, author, licence, camera, time, name]: [String; 8] =
        cells.try_into().ok().context("needs eight cells")?;
    let at = time.split_once('.').map(|(time, subsecond)| (time.to_owned(), subsecond.to_owned()));
    let shot = at.map(|(time, subsecond)| Shot { camera, time, subsecond });
    Ok(Photo { package, path, sha256, author, licence, shot, name })
}

impl Photo {
    /// The path in the gallery: a folder a camera, and one for what came by another way.
    pub(super) fn file_name(&self, number: usize) -> String {
        let folder = self.shot.as_ref().map_or("from-guests".to_owned(), |shot| format!("camera-{}", shot.camera));
        let ending = self.path.rsplit('.').next().unwrap_or_default();
        format!("{folder}/DEMO_{number:04}_{}.{ending}", self.name)
    }

    /// What is written into the photo.
    pub(super) fn exif(&self, shot: &Shot, day: &str, offset: &str) -> Exif {
        Exif {
            make: "Procession demo".to_owned(),
            model: format!("Camera {}", shot.camera.to_uppercase()),
            artist: self.author.clone(),
            copyright: format!("{}; licence: {}", self.author, self.licence),
            taken: format!("{} {}", day.replace('-', ":"), shot.time),
            subsecond: shot.subsecond.clone(),
            offset: offset.to_owned(),
        }
    }

    fn source(&self) -> &'static str {
        match self.package.as_str() {
            "lomiri" => "Debian `lomiri-wallpapers-16.04`",
            "kleiber" => "Debian `lomiri-wallpapers-20.04`",
            "mate" => "Debian `mate-backgrounds`",
            "face-api" => "npm `@vladmandic/face-api` 1.7.15",
            "face-recognition" => "Python `face-recognition` 1.3.0",
            _ => "Python `scikit-image` 0.26.0",
        }
    }
}

/// The photos as a Markdown table.
pub(super) fn table(photos: &[Photo]) -> String {
    let mut text = "| photo | by | licence | from | changed |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for (index, photo) in photos.iter().enumerate() {
        let name = photo.file_name(index + 1);
        let Photo { author, licence, .. } = photo;
        let changed = if photo.shot.is_some() { "EXIF only" } else { "no" };
        text += &format!("| {name} | {author} | {licence} | {}, {} | {changed} |\n", photo.source(), photo.path);
    }
    text
}

/// The text that lies beside the photos. It changes whenever anything about them does.
pub(super) fn credits(photos: &[Photo]) -> String {
    let mut text = "# Credits\n\nThese photos are by the people named below, under the licences named beside them. They show \
        no wedding: for the demo\nof Procession, their EXIF data was replaced by a camera's name and a time that make a day of \
        them, with author and licence\nin the Artist and Copyright fields. Their pixels are unchanged.\n\n"
        .to_owned();
    text += &table(photos);
    text += "\nSHA-256 of each file as it is in its package, and the time that was written into it:\n\n";
    for photo in photos {
        let time = photo.shot.as_ref().map_or("–", |shot| shot.time.as_str());
        text += &format!("- {} {time} {}\n", photo.sha256, photo.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_whole() {
        let photos = all().unwrap();
        assert!(photos.len() >= 25);
        assert!(photos.iter().all(|photo| photo.sha256.len() == 64 && !photo.author.is_empty()));
        let names: BTreeSet<&str> = photos.iter().map(|photo| photo.name.as_str()).collect();
        assert_eq!(names.len(), photos.len(), "each name once");
        let times: Vec<&str> = photos.iter().filter_map(|photo| Some(photo.shot.as_ref()?.time.as_str())).collect();
        assert!(times.is_sorted());
    }

    #[test]
    fn the_document_names_every_photo() {
        let document = include_str!("../../../docs/demo-gallery.md");
        let table = table(&all().unwrap());
        assert!(
            document.ends_with(&table),
            "put the output of `cargo xtask credits` at the end of docs/demo-gallery.md"
        );
    }
}
