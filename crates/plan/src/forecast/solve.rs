//! The little linear algebra that the models need.

/// Solves A x = b for a symmetric, positive definite A, given row by row, by Cholesky's method. None if A is not that.
pub(super) fn solve(mut a: Vec<f64>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - sum;
            a[i * n + j] = if i == j { Some(rest).filter(|rest| *rest > 0.0)?.sqrt() } else { rest / a[j * n + j] };
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    Some(b)
}

/// The coefficients, none of them negative, with which the columns of `rows` come closest to `values`, each row counting as
/// much as its weight: by coordinate descent on the normal equations.
pub(super) fn least_squares_above_zero(rows: &[Vec<f64>], values: &[f64], weights: &[f64]) -> Vec<f64> {
    let n = rows.first().map_or(0, Vec::len);
    let product =
        |i: usize, j: usize| rows.iter().zip(weights).map(|(row, weight)| weight * row[i] * row[j]).sum::<f64>();
    let square: Vec<f64> = (0..n * n).map(|at| product(at / n, at % n)).collect();
    let target: Vec<f64> = (0..n)
        .map(|i| rows.iter().zip(weights).zip(values).map(|((row, weight), value)| weight * row[i] * value).sum())
        .collect();
    let mut found = vec![0.0; n];
    for _ in 0..500 {
        let mut moved: f64 = 0.0;
        for i in 0..n {
            let diagonal = square[i * n + i];
            if diagonal <= 0.0 {
                continue;
            }
            let others: f64 = (0..n).filter(|j| *j != i).map(|j| square[i * n + j] * found[j]).sum();
            let next = ((target[i] - others) / diagonal).max(0.0);
            moved = moved.max((next - found[i]).abs() / (1.0 + next));
            found[i] = next;
        }
        if moved < 1e-9 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let found = solve(vec![4.0, 2.0, 2.0, 3.0], vec![10.0, 9.0]).unwrap();
        assert!((found[0] - 1.5).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12, "{found:?}");
        assert_eq!(solve(vec![1.0, 2.0, 2.0, 1.0], vec![1.0, 1.0]), None);
    }

    #[test]
    fn what_would_be_negative_is_zero() {
        let rows = vec![vec![1.0, 0.0], vec![1.0, 1.0], vec![1.0, 2.0]];
        let fits = least_squares_above_zero(&rows, &[1.0, 3.0, 5.0], &[1.0; 3]);
        assert!((fits[0] - 1.0).abs() < 1e-6 && (fits[1] - 2.0).abs() < 1e-6, "{fits:?}");
        let falls = least_squares_above_zero(&rows, &[3.0, 2.0, 1.0], &[1.0; 3]);
        assert!((falls[0] - 2.0).abs() < 1e-6 && falls[1] == 0.0, "{falls:?}");
    }
}
