use super::*;
use crate::cache::Cache;

fn session(largest_batch: usize) -> Session {
    let cache = Cache::new(Cache::default_dir());
    let load = || {
        let library = cache.model("onnxruntime")?;
        Session::load(&runtime(&library.path)?, "dlib-resnet", &cache.model("dlib-resnet")?, 1, largest_batch)
    };
    load().unwrap_or_else(|error| {
        panic!("{error}\nRun the tests with `cargo xtask test`, which fetches the models first")
    })
}

fn crop(seed: usize) -> Tensor {
    let data = (0..3 * 150 * 150).map(|at| ((at * (seed + 3)) % 251) as f32).collect();
    Tensor { shape: vec![3, 150, 150], data }
}

#[test]
fn an_item_that_the_model_refuses_fails_alone() {
    let session = session(4);
    let wrong = || Tensor { shape: vec![2, 150, 150], data: vec![0.0; 2 * 150 * 150] };
    let lying = || Tensor { shape: vec![3, 150, 150], data: vec![0.0; 7] };
    let answers = session.run_all(vec![crop(0), wrong(), crop(1), lying(), crop(2)]);
    let fine: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [true, false, true, false, true]);
    assert!(session.run(crop(3)).is_ok());
}

#[test]
fn answers_come_in_the_order_of_the_items_whatever_the_batch() {
    let (single, batched) = (session(1), session(8));
    let items: Vec<Tensor> = (0..11).map(crop).collect();
    let expected = single.run_all(items.clone());
    let found = batched.run_all(items);
    assert_eq!(found.len(), 11);
    for (found, expected) in found.iter().zip(&expected) {
        let (found, expected) = (&found.as_ref().unwrap()[0], &expected.as_ref().unwrap()[0]);
        assert_eq!(found.shape, [128]);
        assert!(found.data.iter().zip(&expected.data).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}
