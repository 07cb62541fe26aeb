//! Planes through a colour transform, a row at a time.

use super::Conversion;
use crate::{
    Error,
    frame::{Chroma, Frame, Plane},
    ycc,
};

/// Converts a 4:4:4 frame in place.
pub(super) fn convert(frame: &mut Frame, conversion: &Conversion) -> Result<(), Error> {
    let (width, height) = frame.dimensions();
    let mut before = vec![0; width * 3];
    let mut after = vec![0; width * 3];
    let [luma, blue, red] = &mut frame.planes;
    for y in 0..height {
        let done = match conversion {
            Conversion::None => return Ok(()),
            Conversion::Colour(transform) => {
                ycc::row_to_rgb(luma.row(y), blue.row(y), red.row(y), &mut before);
                transform.transform(&before, &mut after)
            }
            Conversion::Grey(transform) => transform.transform(luma.row(y), &mut after),
        };
        done.map_err(|error| Error::Bug(format!("colours could not be converted: {error}")))?;
        ycc::row_from_rgb(&after, luma.row_mut(y), blue.row_mut(y), red.row_mut(y));
    }
    frame.planes.iter_mut().for_each(Plane::pad);
    Ok(())
}

/// A 4:4:4 frame as 4:2:0: each sample of chroma is the mean of four.
pub(super) fn halved(frame: Frame) -> Frame {
    let [luma, blue, red] = frame.planes;
    Frame { planes: [luma, halve(&blue), halve(&red)], size: frame.size, chroma: Chroma::Half.ratio() }
}

fn halve(plane: &Plane) -> Plane {
    let mut half = Plane::new(plane.width.div_ceil(2), plane.height.div_ceil(2));
    for y in 0..half.height {
        let (above, below) = (plane.row(2 * y), plane.row((2 * y + 1).min(plane.height - 1)));
        for (sample, (a, b)) in half.row_mut(y).iter_mut().zip(above.chunks(2).zip(below.chunks(2))) {
            let pair = |pair: &[u8]| u32::from(pair[0]) + u32::from(pair[pair.len() - 1]);
            *sample = ((pair(a) + pair(b) + 2) / 4) as u8;
        }
    }
    half.pad();
    half
}
