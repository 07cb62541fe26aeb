//! Lists in pages: a cursor says where the next page begins, and stays valid while things are added.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{Problem, Result};

const LONGEST_PAGE: usize = 1_000;
const USUAL_PAGE: usize = 100;

/// Which page is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// At most so many items, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

impl Paging {
    /// How many items the page has at most.
    pub(crate) fn limit(&self) -> Result<usize> {
        match self.limit {
            None => Ok(USUAL_PAGE),
            Some(limit @ 1..=LONGEST_PAGE) => Ok(limit),
            Some(limit) => Err(Problem::invalid(format!("limit {limit}: give 1 to {LONGEST_PAGE}"))),
        }
    }

    /// What [`Paging::after`] reads.
    pub(crate) fn cursor(position: &impl Serialize) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
    }

    /// The last item of the page before, as [`Page::of`] wrote it.
    pub(crate) fn after<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(cursor) = &self.after else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let last = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        last.map(Some).ok_or_else(|| Problem::invalid("after: give the `next` of the page before"))
    }
}

/// Some items, and where the next ones are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// In the order of the list.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page that was asked for with this limit. `position` is what the next page is asked for with.
    pub(crate) fn of<P: Serialize>(items: Vec<T>, limit: usize, position: impl Fn(&T) -> P) -> Self {
        let last = items.last().filter(|_| items.len() == limit);
        Self { next: last.map(|last| Paging::cursor(&position(last))), items }
    }

    /// A page of a list that is here whole, each item by its place.
    ///
    /// # Errors
    /// 422 if the paging is wrong.
    pub(crate) fn slice<A>(all: &[A], paging: &Paging, item: impl Fn(usize, &A) -> T) -> Result<Self> {
        let (start, limit) = (paging.after()?.map_or(0, |last: usize| last.saturating_add(1)), paging.limit()?);
        let page = all.iter().enumerate().skip(start).take(limit);
        let items: Vec<T> = page.map(|(place, one)| item(place, one)).collect();
        let last = start.saturating_add(items.len()).saturating_sub(1);
        Ok(Self::of(items, limit, |_| last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_list_have_every_item_once() {
        let all = ["a", "b", "c", "d", "e"];
        for limit in 1..=6 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page =
                    Page::slice(&all, &Paging { limit: Some(limit), after }, |place, one| (place, *one)).unwrap();
                assert!(page.items.len() <= limit);
                found.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, all.iter().copied().enumerate().collect::<Vec<_>>(), "by {limit}");
        }
    }

    #[test]
    fn a_cursor_or_limit_of_somebody_s_own_is_refused() {
        let page = |limit, after: Option<&str>| {
            let paging = Paging { limit, after: after.map(str::to_owned) };
            Page::slice(&["a"], &paging, |place, _| place).map(|page| page.items)
        };
        let beyond = URL_SAFE_NO_PAD.encode(usize::MAX.to_string());
        assert!(page(None, Some(&beyond)).unwrap().is_empty());
        for (limit, after) in [(Some(0), None), (Some(1_001), None), (None, Some("!")), (None, Some("IngiCg"))] {
            assert_eq!(page(limit, after).unwrap_err().status, 422);
        }
    }
}
