//! JPEG, scaled while it is decoded.
