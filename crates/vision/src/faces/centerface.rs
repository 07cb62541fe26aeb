//! Reads CenterFace: a heat map of face centres at a quarter of the canvas, with size, offset and landmarks at each cell.

use procession_domain::analysis::Region;

use super::{Candidate, Scores, values};
use crate::session::Tensor;

/// In floats, on 48 photos without people nothing scored more than 0.39; on photos with people, faces 16 pixels tall or more
/// scored 0.62 and up. Faces too small for the first look leave traces of 0.1 to 0.3 there, in bytes a little less.
pub(super) const SCORES: Scores = Scores { accept: 0.5, suspect: 0.1 };

/// In bytes the same faces score 0.013 less in the mean, those of 8 to 30 pixels 0.02.
pub(super) const SCORES_IN_BYTES: Scores = Scores { accept: 0.48, ..SCORES };

/// Canvas pixels a cell.
const STRIDE: f32 = 4.0;

/// What is said of each cell: the heat, log size (height first), offset (y first) and five landmarks (y first).
const HEAT: usize = 0;
const SIZE: usize = 1;
const OFFSET: usize = 3;
const LANDMARKS: usize = 5;
const COUNT: usize = 15;

/// The candidates in the outputs of the model that its authors made: heat map [1, h, w], sizes [2, h, w], offsets [2, h, w] and
/// landmarks [10, h, w]; `None` if the shapes are others.
pub(super) fn read(outputs: &[Tensor], least: f32) -> Option<Vec<Candidate>> {
    let [heat, sizes, offsets, points] = outputs else { return None };
    let [1, rows, columns] = heat.shape[..] else { return None };
    let cells = rows * columns;
    let planes = [&heat.data[..], values(sizes, 2 * cells)?, values(offsets, 2 * cells)?, values(points, 10 * cells)?];
    let planes: Vec<&[f32]> = planes.into_iter().flat_map(|planes| planes.chunks_exact(cells.max(1))).collect();
    let hot = (0..cells).filter(|&cell| heat.data[cell] >= least);
    Some(hot.map(|cell| candidate((rows, columns), cell, |of| planes[of][cell])).collect())
}

/// The candidates in the output of the model that computes in bytes, [h, w, 15]: of each cell the same, but for the heat, of
/// which it has the logit; `None` if the shape is another.
pub(super) fn read_cells(outputs: &[Tensor], least: f32) -> Option<Vec<Candidate>> {
    let [cells] = outputs else { return None };
    let [rows, columns, COUNT] = cells.shape[..] else { return None };
    let least = (least / (1.0 - least)).ln();
    let hot = cells.data.chunks_exact(COUNT).enumerate().filter(|(_, said)| said[HEAT] >= least);
    let found = hot.map(|(cell, said)| {
        let value = |of| if of == HEAT { 1.0 / (1.0 + (-said[HEAT]).exp()) } else { said[of] };
        candidate((rows, columns), cell, value)
    });
    Some(found.collect())
}

/// The candidate of one cell of so many rows and columns.
fn candidate((rows, columns): (usize, usize), cell: usize, value: impl Fn(usize) -> f32) -> Candidate {
    let (width, height) = (columns as f32 * STRIDE, rows as f32 * STRIDE);
    let (row, column) = ((cell / columns) as f32, (cell % columns) as f32);
    let (tall, wide) = (value(SIZE).exp() * STRIDE, value(SIZE + 1).exp() * STRIDE);
    let left = (column + value(OFFSET + 1) + 0.5) * STRIDE - wide / 2.0;
    let top = (row + value(OFFSET) + 0.5) * STRIDE - tall / 2.0;
    let landmark = |index: usize| {
        let (y, x) = (value(LANDMARKS + 2 * index), value(LANDMARKS + 2 * index + 1));
        [(left + x * wide) / width, (top + y * tall) / height]
    };
    let region = Region { x: left / width, y: top / height, width: wide / width, height: tall / height };
    Candidate { region, score: value(HEAT), landmarks: std::array::from_fn(landmark) }
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
        let planes = [heat, sizes, tensor(2, &[]), tensor(10, &[(6, 0.25), (14, 0.75)])];
        let mut cells = vec![[-3.0; COUNT]; 8];
        cells[6] = [0.0; COUNT];
        for (of, value) in [(HEAT, 9.0_f32.ln()), (SIZE + 1, 2.0_f32.ln()), (LANDMARKS, 0.25), (LANDMARKS + 1, 0.75)] {
            cells[6][of] = value;
        }
        let cells = Tensor { shape: vec![2, 4, COUNT], data: cells.concat() };
        for found in [read(&planes, 0.5).unwrap(), read_cells(&[cells], 0.5).unwrap()] {
            assert!(found.len() == 1 && (found[0].score - 0.9).abs() < 1e-6);
            let Region { x, y, width, height } = found[0].region;
            assert_eq!((x * 16.0, y * 8.0, width * 16.0, height * 8.0), (6.0, 4.0, 8.0, 4.0));
            assert_eq!(found[0].landmarks[0], [12.0 / 16.0, 5.0 / 8.0]);
        }
        assert!(read(&planes[..3], 0.5).is_none() && read_cells(&planes, 0.5).is_none());
    }
}
