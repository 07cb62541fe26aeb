//! Lossy WebP, from the planes as they are.

use super::{Notes, icc};
use crate::{
    Error,
    frame::{Frame, Plane},
    libwebp,
};

/// Encodes a 4:2:0 frame with its EXIF block and ICC profile.
///
/// # Errors
/// `Unsupported` for a photo of more than 16,383 pixels on an edge.
pub(crate) fn webp(frame: &Frame, quality: u8, notes: Notes<'_>) -> Result<Vec<u8>, Error> {
    let (width, height) = frame.dimensions();
    if width.max(height) > libwebp::MAX_EDGE {
        return Err(Error::Unsupported(format!("{width} × {height} pixels are more than a WebP can have")));
    }
    let [luma, blue, red] = &frame.planes;
    // From full range to the range of video, rounded.
    let planes = [
        mapped(luma, |y| (y * 219 + 16 * 255 + 127) / 255),
        mapped(blue, |c| (c * 224 + 128 * 255 - 128 * 224 + 127) / 255),
        mapped(red, |c| (c * 224 + 128 * 255 - 128 * 224 + 127) / 255),
    ];
    let plain = libwebp::write(&planes, quality)?;
    container(&plain, (width as u32, height as u32), icc::profile(notes.colour), notes.exif)
}

fn mapped(plane: &Plane, map: impl Fn(u32) -> u32) -> Plane {
    let table: [u8; 256] = std::array::from_fn(|value| map(value as u32) as u8);
    let mut result = Plane::new(plane.width, plane.height);
    for y in 0..plane.height {
        for (to, from) in result.row_mut(y).iter_mut().zip(plane.row(y)) {
            *to = table[usize::from(*from)];
        }
    }
    result
}

/// The extended file format: the image of a plain file, with a profile before it and metadata after it.
fn container(plain: &[u8], (width, height): (u32, u32), icc: &[u8], exif: &[u8]) -> Result<Vec<u8>, Error> {
    let image = match plain {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', image @ ..] if image.starts_with(b"VP8 ") => image,
        _ => return Err(Error::Bug("libwebp wrote something else than a plain WebP".to_owned())),
    };
    const HAS_ICC: u8 = 0x20;
    const HAS_EXIF: u8 = 0x08;
    let mut header = vec![HAS_ICC | if exif.is_empty() { 0 } else { HAS_EXIF }, 0, 0, 0];
    header.extend(&(width - 1).to_le_bytes()[..3]);
    header.extend(&(height - 1).to_le_bytes()[..3]);
    let mut body = b"WEBP".to_vec();
    push_chunk(&mut body, *b"VP8X", &header);
    push_chunk(&mut body, *b"ICCP", icc);
    body.extend(image);
    if !exif.is_empty() {
        push_chunk(&mut body, *b"EXIF", exif);
    }
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.append(&mut body);
    Ok(file)
}

/// A name, a length, and the payload with a byte of padding if that is odd.
fn push_chunk(body: &mut Vec<u8>, name: [u8; 4], payload: &[u8]) {
    body.extend(name);
    body.extend((payload.len() as u32).to_le_bytes());
    body.extend(payload);
    body.extend(std::iter::repeat_n(0, payload.len() % 2));
}
