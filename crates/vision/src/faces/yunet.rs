//! Reads YuNet: for each of three strides a class score, an objectness, a box and landmarks at each cell.

use procession_domain::analysis::Region;

use super::{Candidate, Scores, values};
use crate::session::Tensor;

pub(super) const SCORES: Scores = Scores { accept: 0.8, suspect: 0.4 };

/// Canvas pixels a cell.
const STRIDES: [usize; 3] = [8, 16, 32];

/// YuNet was trained on pictures with blue first.
pub(super) fn swap_red_and_blue(input: &mut Tensor) {
    let plane = input.data.len() / 3;
    let (red, rest) = input.data.split_at_mut(plane);
    red.swap_with_slice(&mut rest[plane..]);
}

/// The candidates in the outputs class scores, objectness, boxes and landmarks, each for strides 8, 16 and 32; `None` if
/// there are others.
pub(super) fn read(outputs: &[Tensor], width: usize, height: usize, least: f32) -> Option<Vec<Candidate>> {
    if outputs.len() != 12 {
        return None;
    }
    let (canvas_width, canvas_height) = (width as f32, height as f32);
    let mut found = Vec::new();
    for (index, stride) in STRIDES.into_iter().enumerate() {
        let (columns, cells) = (width / stride, (width / stride) * (height / stride));
        let output = |kind: usize, size: usize| values(&outputs[3 * kind + index], size * cells);
        let (classes, objects, boxes, points) = (output(0, 1)?, output(1, 1)?, output(2, 4)?, output(3, 10)?);
        let stride = stride as f32;
        for cell in 0..cells {
            let score = (classes[cell].clamp(0.0, 1.0) * objects[cell].clamp(0.0, 1.0)).sqrt();
            if score < least {
                continue;
            }
            let (column, row) = ((cell % columns) as f32, (cell / columns) as f32);
            let [x, y, w, h] = [0, 1, 2, 3].map(|value| boxes[4 * cell + value]);
            let (wide, tall) = (w.exp() * stride, h.exp() * stride);
            let region = Region {
                x: ((column + x) * stride - wide / 2.0) / canvas_width,
                y: ((row + y) * stride - tall / 2.0) / canvas_height,
                width: wide / canvas_width,
                height: tall / canvas_height,
            };
            let landmark = |point: usize| {
                let [x, y] = [0, 1].map(|axis| points[10 * cell + 2 * point + axis]);
                [(column + x) * stride / canvas_width, (row + y) * stride / canvas_height]
            };
            found.push(Candidate { region, score, landmarks: std::array::from_fn(landmark) });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_face() {
        // A canvas of 64 × 32 pixels; the cell of stride 16 in row 1, column 2, with eyes and mouth at its corner.
        let mut outputs: Vec<Tensor> = [1, 1, 4, 10]
            .into_iter()
            .flat_map(|size| STRIDES.map(|stride| (size, (64 / stride) * (32 / stride))))
            .map(|(size, cells)| Tensor { shape: vec![cells, size], data: vec![0.0; cells * size] })
            .collect();
        let cell = 4 + 2;
        (outputs[1].data[cell], outputs[4].data[cell]) = (0.81, 1.0);
        outputs[7].data[4 * cell..4 * cell + 4].copy_from_slice(&[0.5, 0.5, 2.0_f32.ln(), 0.0]);
        let found = read(&outputs, 64, 32, 0.5).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0].score - 0.9).abs() < 1e-6);
        let Region { x, y, width, height } = found[0].region;
        let near = |value: f32, expected: f32| (value - expected).abs() < 1e-4;
        assert!(near(x * 64.0, 24.0) && near(y * 32.0, 16.0) && near(width * 64.0, 32.0) && near(height * 32.0, 16.0));
        assert_eq!(found[0].landmarks[0], [0.5, 0.5]);
        assert!(read(&outputs[..11], 64, 32, 0.5).is_none() && read(&outputs, 32, 32, 0.5).is_none());
    }
}
