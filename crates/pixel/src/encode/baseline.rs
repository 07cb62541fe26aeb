//! The fast way to a baseline JPEG, for processors with AVX2: the same bytes as libjpeg's, for tables that are known
//! beforehand.
//!
//! Read in this order:
//! 1. [`header`]: quantisers and markers.
//! 2. [`forward`]: 32 × 8 samples to four blocks of quantised coefficients in zigzag order.
//! 3. [`codes`]: for a run of zeros and the coefficient behind it, its code and its bits at one look.
//! 4. [`bits`]: codes to bytes, and what is stuffed between them.
//! 5. [`scan`]: MCU after MCU.
//!
//! There is no `unsafe` in it but in loads and stores of the transform, and where the processor's features are found out.

mod bits;
mod codes;
mod forward;
mod header;
mod scan;

use crate::libjpeg::Sheet;

/// Encodes what [`crate::libjpeg::write`] would by the tables that are known beforehand, to the same bytes. `None` if this
/// processor is not one of those that it is for.
pub(crate) fn write(sheet: &Sheet<'_>) -> Option<Vec<u8>> {
    if !scan::is_available() {
        return None;
    }
    let quantisers = header::quantisers(sheet.quality);
    let (width, height) = sheet.frame.dimensions();
    // A sample of luma seldom takes more than two bits, and what is not used is given back.
    let mut out = Vec::with_capacity(4096 + width * height / 4);
    header::write(&mut out, sheet, &quantisers);
    scan::write(&mut out, sheet, &quantisers);
    out.extend(header::END);
    out.shrink_to_fit();
    Some(out)
}

#[cfg(test)]
mod tests;
