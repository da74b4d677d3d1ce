//! The component catalogue as the editor sees it.
