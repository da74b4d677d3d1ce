//! `raw`: a destination in the runtime's own language; see [`raw`](crate::component::raw).

use linkmesh_proto::api::catalogue::Role;

use crate::component::{Component, raw::Raw};

pub(super) const COMPONENT: &dyn Component = &Raw(Role::Destination);
