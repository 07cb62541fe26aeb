//! Carrying out a plan. The order of the steps is here and nowhere else:
//!
//! 1. take the window from the smallest level that has enough pixels, at the output's size ([`crate::resize`]),
//! 2. in the output's colours ([`crate::colour`]),
//! 3. sharpen luma ([`crate::sharpen`]),
//! 4. encode each format ([`crate::encode`]).

use std::{borrow::Cow, sync::Arc};

use procession_domain::recipe::OutputColour;

use super::held::Held;
use crate::{
    Error, Extent, Orientation, Plan, Rendered,
    cascade::Cascade,
    colour::Conversion,
    decode, encode,
    frame::{Chroma, Frame},
    plan::Output,
    resize::{self, Target, Window},
    sharpen,
};

/// All outputs of a plan.
pub(super) fn render(held: &Held, view: &Arc<Cascade>, plan: &Plan) -> Result<Vec<Rendered>, Error> {
    let conversion = Conversion::new(&held.profile, plan.colour);
    let cascade = match plan.colour {
        OutputColour::Srgb => Arc::clone(view),
        OutputColour::DisplayP3 => {
            let probe = &held.source.probe;
            Arc::new(Cascade::new(&held.frame, probe.upright(), probe.orientation, &conversion)?)
        }
    };
    let kitchen = Kitchen { held, cascade: &cascade, conversion: &conversion };
    let notes = encode::Notes { colour: plan.colour, exif: &plan.exif };
    let mut rendered = Vec::new();
    for output in &plan.outputs {
        for chroma in [Chroma::Half, Chroma::Full] {
            let mut formats = output.formats.iter().filter(|encoding| encode::chroma(**encoding) == chroma).peekable();
            if formats.peek().is_none() {
                continue;
            }
            let frame = kitchen.frame(output, chroma)?;
            for encoding in formats {
                rendered.push(Rendered {
                    name: output.name.clone(),
                    format: encoding.format,
                    width: output.width,
                    height: output.height,
                    bytes: encode::encode(&frame, *encoding, notes)?.into(),
                });
            }
        }
    }
    Ok(rendered)
}

/// What outputs are made from.
struct Kitchen<'a> {
    held: &'a Held,
    cascade: &'a Cascade,
    conversion: &'a Conversion,
}

impl Kitchen<'_> {
    /// An output's pixels, ready to encode.
    fn frame(&self, output: &Output, chroma: Chroma) -> Result<Cow<'_, Frame>, Error> {
        let mut frame = self.resized(output, chroma)?;
        if output.sharpen > 0.0 {
            sharpen::luma(&mut frame.to_mut().planes[0], output.sharpen);
        }
        Ok(frame)
    }

    fn resized(&self, output: &Output, chroma: Chroma) -> Result<Cow<'_, Frame>, Error> {
        let (width, height) = (output.width as usize, output.height as usize);
        if let (Chroma::Half, Some(level)) = (chroma, self.cascade.level(output.window, width, height)) {
            if output.window == Window::ALL && level.dimensions() == (width, height) {
                return Ok(Cow::Borrowed(level));
            }
            let target = Target { window: output.window, orientation: Orientation::UPRIGHT, width, height };
            return Ok(Cow::Owned(resize::frame(level, target, chroma)));
        }
        let probe = &self.held.source.probe;
        let target = Target { window: output.window, orientation: probe.orientation, width, height };
        let wanted = needed(output);
        let (stored_width, stored_height) = self.held.frame.size;
        let frame = if stored_width.max(stored_height) + 0.5 >= f64::from(wanted.min(probe.width.max(probe.height))) {
            Cow::Borrowed(&self.held.frame)
        } else {
            Cow::Owned(decode::decode(&self.held.source, Extent { long_edge: wanted, full: false })?.0)
        };
        Ok(Cow::Owned(self.conversion.resized(&frame, target, chroma)?))
    }
}

/// The long edge that the whole photo must have for the output to have all its pixels.
fn needed(output: &Output) -> u32 {
    let across = f64::from(output.width) / output.window.width;
    let down = f64::from(output.height) / output.window.height;
    across.max(down).ceil() as u32
}
