//! Reads CenterFace: a heat map of face centres at a quarter of the canvas, with size, offset and landmarks at each cell.

use procession_domain::analysis::Region;

use super::{Candidate, Scores, values};
use crate::session::Tensor;

/// In floats, on 48 photos without people nothing scored more than 0.39; on photos with people, faces 16 pixels tall or more
/// scored 0.62 and up. Faces too small for the first look leave traces of 0.1 to 0.3 there, in bytes a little less.
pub(super) const SCORES: Scores = Scores { accept: 0.5, suspect: 0.1 };

/// Canvas pixels a cell.
const STRIDE: f32 = 4.0;

/// The candidates in the outputs heat map [1, h, w], log size [2, h, w] (height first), offset [2, h, w] (y first) and
/// landmarks [10, h, w] (y first); `None` if the shapes are others.
pub(super) fn read(outputs: &[Tensor], least: f32) -> Option<Vec<Candidate>> {
    let [heat, sizes, offsets, points] = outputs else { return None };
    let [1, rows, columns] = heat.shape[..] else { return None };
    let cells = rows * columns;
    let (sizes, offsets, points) =
        (values(sizes, 2 * cells)?, values(offsets, 2 * cells)?, values(points, 10 * cells)?);
    let (width, height) = (columns as f32 * STRIDE, rows as f32 * STRIDE);
    let mut found = Vec::new();
    for (cell, &score) in heat.data.iter().enumerate().filter(|(_, score)| **score >= least) {
        let (row, column) = ((cell / columns) as f32, (cell % columns) as f32);
        let (tall, wide) = (sizes[cell].exp() * STRIDE, sizes[cells + cell].exp() * STRIDE);
        let left = (column + offsets[cells + cell] + 0.5) * STRIDE - wide / 2.0;
        let top = (row + offsets[cell] + 0.5) * STRIDE - tall / 2.0;
        let landmark = |index: usize| {
            let (y, x) = (points[2 * index * cells + cell], points[(2 * index + 1) * cells + cell]);
            [(left + x * wide) / width, (top + y * tall) / height]
        };
        let region = Region { x: left / width, y: top / height, width: wide / width, height: tall / height };
        found.push(Candidate { region, score, landmarks: std::array::from_fn(landmark) });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_face() {
        let tensor = |channels: usize, set: &[(usize, f32)]| {
            let mut data = vec![0.0; channels * 8];
            set.iter().for_each(|&(at, value)| data[at] = value);
            Tensor { shape: vec![channels, 2, 4], data }
        };
        // The cell of row 1, column 2 is number 6 of 8 on a canvas of 16 × 8 pixels.
        let heat = tensor(1, &[(6, 0.9)]);
        let sizes = tensor(2, &[(6, 0.0), (14, 2.0_f32.ln())]);
        let outputs = [heat, sizes, tensor(2, &[]), tensor(10, &[(6, 0.25), (14, 0.75)])];
        let found = read(&outputs, 0.5).unwrap();
        assert_eq!(found.len(), 1);
        let Region { x, y, width, height } = found[0].region;
        assert_eq!((x * 16.0, y * 8.0, width * 16.0, height * 8.0), (6.0, 4.0, 8.0, 4.0));
        assert_eq!(found[0].landmarks[0], [12.0 / 16.0, 5.0 / 8.0]);
        assert!(read(&outputs[..3], 0.5).is_none());
    }
}
