//! Writes a made-up gallery, with real JPEG files and every kind of entry, for the browser tests and for work on the page:
//! `cargo run -p procession-web --example sample_album -- OUT_DIR [PHOTOS]`.

use std::{fs, path::Path};

mod album;
mod jpeg;

use procession_domain::album::Album;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: sample_album OUT_DIR [PHOTOS]")?;
    let count = arguments.next().map_or(Ok(240), |text| text.parse())?;
    write(Path::new(&folder), &album::sample(count))
}

fn write(folder: &Path, album: &Album) -> Result<(), Box<dyn std::error::Error>> {
    for picture in 0..album::PICTURES {
        for (edge, width, height) in album::sizes_of(picture) {
            let path = folder.join(album::path_of(picture, edge));
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, jpeg::encode(width, height, |x, y| album::colour_of(picture, x, y)))?;
        }
    }
    fs::write(folder.join("receipt.json"), "{}\n")?;
    fs::write(folder.join("gallery.json"), serde_json::to_string_pretty(album)?)?;
    fs::write(folder.join("index.html"), procession_web::album_page(album))?;
    Ok(())
}
