//! Everything that renders.

pub(crate) mod cloud;
pub(crate) mod lambda;
pub(crate) mod verify;
