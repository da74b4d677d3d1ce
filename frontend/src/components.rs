//! What pages share.

pub(crate) mod bits;
pub(crate) mod code;
pub(crate) mod dialog;
pub(crate) mod field;
pub(crate) mod icons;
pub(crate) mod loading;
pub(crate) mod menus;
pub(crate) mod names;
pub(crate) mod pairs;
pub(crate) mod palette;
pub(crate) mod picker;
pub(crate) mod saving;
pub(crate) mod shell;
pub(crate) mod spark;
pub(crate) mod theme;
pub(crate) mod toasts;
