//! *Safe to format*: the signed receipt of a gallery.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
};
use procession_flow::receipt::Receipt;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Json, OfGallery, Path, photos::RefusalView};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    receipts::{Attempt, KeptReceipt, begin},
};

/// Whether a receipt covers every photo that is stored now.
const CURRENT: HeaderName = HeaderName::from_static("procession-receipt-current");
/// Where a newer receipt stands, if one was asked for.
const STATE: HeaderName = HeaderName::from_static("procession-receipt-state");

/// That copies are being read back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptBegun {
    /// `reading`.
    state: &'static str,
}

/// A statement and who vouches for it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it tells the shape of `Receipt`")]
pub(crate) struct ReceiptView {
    /// What is vouched for.
    statement: StatementView,
    /// The installation's public key (Ed25519), 64 hex digits.
    public_key: String,
    /// The signature over the statement as compact JSON, 128 hex digits.
    signature: String,
}

/// What is signed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it tells the shape of `Statement`")]
struct StatementView {
    /// The version of this structure: 1.
    schema: u32,
    /// The gallery.
    gallery: String,
    /// What people call it.
    title: String,
    /// When the last copy had been read back.
    #[schema(format = DateTime)]
    issued_at: String,
    /// The stores, each of which holds every original of the list.
    stores: Vec<String>,
    /// What the number of stores means for the photographer.
    meaning: String,
    /// The originals by first name.
    originals: Vec<OriginalView>,
    /// Files that were given and are not in the vault.
    refused: Vec<RefusalView>,
}

/// An original that was found identical in every store.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it tells the shape of `Original`")]
struct OriginalView {
    /// Every path that it came under.
    names: Vec<String>,
    /// BLAKE3 of its bytes, 64 hex digits.
    hash: String,
    /// Its length.
    bytes: u64,
    /// False if it is safe but has no images.
    processed: bool,
}

/// Begins to read every copy of every original back; if all are identical, there is a receipt at the same address afterwards.
/// One at a time for each gallery: to ask again meanwhile changes nothing.
#[utoipa::path(post, path = "/api/v1/galleries/{gallery}/receipt", operation_id = "begin_receipt", tag = "receipt",
    params(OfGallery), responses((status = 202, body = ReceiptBegun), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<(StatusCode, Json<ReceiptBegun>)> {
    caller.require(Scope::Upload)?;
    let (gallery, _) = caller.gallery(&service, gallery).await?;
    if service.system.ledger.progress(gallery.id).await?.stored() == 0 {
        return Err(Problem::conflict(format!("gallery {} has no photo yet that a receipt could name", gallery.id)));
    }
    begin(&service, gallery);
    Ok((StatusCode::ACCEPTED, Json(ReceiptBegun { state: "reading" })))
}

/// The last receipt of a gallery, as `procession receipt check` takes it. While there is none, the problem's `state` says
/// whether copies are being read back (`reading`) or why not (`refused`, with the reason in `detail`).
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/receipt", operation_id = "get_receipt", tag = "receipt",
    params(OfGallery), responses((status = 200, body = ReceiptView, headers(
        ("Procession-Receipt-Current" = bool, description = "Whether it covers every photo that is stored now"),
        ("Procession-Receipt-State" = String, description = "`issued`, or where a newer one stands: `reading`, `refused`"),
    )), Problem))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<(HeaderMap, Json<Receipt>)> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    // In this order: an attempt that ends in between has left its receipt.
    let attempt = service.receipts.attempt(gallery);
    let Some(kept) = service.documents.get::<KeptReceipt>(&gallery.to_string()).await? else {
        return Err(no_receipt(attempt));
    };
    let receipt = kept.document.receipt;
    // Photos never leave a gallery, so as many are the same.
    let stored = service.system.ledger.progress(gallery).await?.stored();
    let current = if receipt.statement.originals.len() as u64 == stored { "true" } else { "false" };
    let state = match attempt {
        None => "issued",
        Some(Attempt::Reading) => "reading",
        Some(Attempt::Refused(_)) => "refused",
    };
    let headers = [(CURRENT, HeaderValue::from_static(current)), (STATE, HeaderValue::from_static(state))];
    Ok((HeaderMap::from_iter(headers), Json(receipt)))
}

fn no_receipt(attempt: Option<Attempt>) -> Problem {
    let problem = |state, detail: String| {
        let problem = Problem::new(StatusCode::NOT_FOUND, "no_receipt", detail);
        Problem { state, ..problem }
    };
    match attempt {
        None => problem(None, "there is no receipt yet; ask for one with POST".to_owned()),
        Some(Attempt::Reading) => problem(Some("reading"), "the copies are being read back".to_owned()),
        Some(Attempt::Refused(why)) => problem(Some("refused"), why),
    }
}
