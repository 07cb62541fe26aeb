//! Archives: photos of a gallery as one ZIP file.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode};

use super::{Json, Keeping, OfGallery, Path};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    download::{Made, Wanted, archive_url},
};

/// Makes the address of an archive. Nothing is packed: the archive is made as it is fetched, with a length that is known, and
/// in ranges, so a download that broke off can go on. It is the same bytes each time; once one of its photos is removed or
/// replaced, the address answers 410.
#[utoipa::path(post, path = "/api/v1/galleries/{gallery}/archives", operation_id = "create_archive", tag = "archives",
    params(OfGallery), request_body = Wanted, responses((status = 201, body = Made), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Extension<Keeping>, Json<Made>)> {
    caller.require(Scope::Read)?;
    let (gallery, _) = caller.gallery(&service, gallery).await?;
    let made = archive_url(&service, &gallery, &wanted).await?;
    Ok((StatusCode::CREATED, Extension(Keeping::Nothing), Json(made)))
}
