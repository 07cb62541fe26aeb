//! Makes the page of a gallery anew: `cargo run -p procession-web --example render_album -- OUT_DIR/gallery.json` writes
//! `OUT_DIR/index.html`. For work on the page.

use std::{fs, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: render_album gallery.json")?;
    let album = serde_json::from_slice(&fs::read(&path)?)?;
    fs::write(Path::new(&path).with_file_name("index.html"), procession_web::album_page(&album))?;
    Ok(())
}
