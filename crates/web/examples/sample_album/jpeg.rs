//! The smallest JPEG writer: baseline, 4:4:4, one colour for each 8 × 8 block.

/// A JPEG of `width` × `height` pixels. `colour` gives red, green and blue, 0 to 255, at fractions of width and height.
pub(super) fn encode(width: u32, height: u32, colour: impl Fn(f32, f32) -> [f32; 3]) -> Vec<u8> {
    let mut bytes = header(width, height);
    let mut bits = Bits::default();
    let mut before = [0_i32; 3];
    for row in 0..height.div_ceil(8) {
        for column in 0..width.div_ceil(8) {
            let [r, g, b] = colour((column * 8 + 4) as f32 / width as f32, (row * 8 + 4) as f32 / height as f32);
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            // With a quantiser of 8 the constant term is the mean, less 128.
            for (last, value) in before.iter_mut().zip([y - 128.0, 0.564 * (b - y), 0.713 * (r - y)]) {
                let value = value.round() as i32;
                bits.put_difference(value - *last);
                *last = value;
            }
        }
    }
    bytes.extend(bits.finish());
    bytes.extend([0xFF, 0xD9]);
    bytes
}

/// How many codes of each length the standard's table for luma's constant terms has.
const LENGTHS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];

fn header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, body: &[u8]| {
        bytes.extend([0xFF, marker]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend(body);
    };
    segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let quantiser: Vec<u8> = std::iter::once(0).chain([8; 64]).collect();
    segment(0xDB, &quantiser);
    let mut frame = vec![8];
    frame.extend((height as u16).to_be_bytes());
    frame.extend((width as u16).to_be_bytes());
    frame.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    segment(0xC0, &frame);
    let constant: Vec<u8> = std::iter::once(0).chain(LENGTHS).chain(0..12).collect();
    segment(0xC4, &constant);
    // The only code for the other terms is "no more of them", one bit.
    let others: Vec<u8> = [0x10, 1].into_iter().chain([0; 15]).chain([0]).collect();
    segment(0xC4, &others);
    segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    /// One block: the difference to the block before, then the end.
    fn put_difference(&mut self, difference: i32) {
        let size = 32 - difference.unsigned_abs().leading_zeros();
        let (code, length) = code_of(size);
        self.put(code, length);
        let value = if difference < 0 { difference - 1 } else { difference };
        self.put(value as u32 & ((1 << size) - 1), size);
        self.put(0, 1);
    }

    fn put(&mut self, value: u32, length: u32) {
        for at in (0..length).rev() {
            self.held = self.held << 1 | (value >> at & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.held as u8);
                if self.held as u8 == 0xFF {
                    self.bytes.push(0);
                }
                (self.held, self.count) = (0, 0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0x7F, (8 - self.count) % 8);
        self.bytes
    }
}

/// The code of a size category: counted up along the lengths, as the standard does.
fn code_of(size: u32) -> (u32, u32) {
    let (mut code, mut symbol) = (0, 0);
    for (length, count) in (1..).zip(LENGTHS) {
        for _ in 0..count {
            if symbol == size {
                return (code, length);
            }
            code += 1;
            symbol += 1;
        }
        code <<= 1;
    }
    unreachable!("differences of 8-bit means have at most 11 bits")
}
