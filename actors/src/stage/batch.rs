//! `batch`: records are gathered and sent on together. They stay as they are.

use linkmesh_ottl::record::Telemetry;

use super::{Stage, Trial};
use crate::render::{
    alloy::{Expr, Statement, attribute},
    yaml::Yaml,
};

/// Sends on what it has gathered when it is enough, or old enough.
///
/// All three fields are always written: one runtime has no largest batch by default, the other a small one.
#[derive(Debug, Clone)]
pub struct Batch {
    /// After this time what is there is sent: a duration of Go.
    pub timeout: String,
    /// As soon as this many records are there they are sent.
    pub size: i64,
    /// What is larger is cut.
    pub max_size: i64,
}

impl Stage for Batch {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let config = Yaml::map([
            ("timeout", Yaml::text(self.timeout.as_str())),
            ("send_batch_size", Yaml::Int(self.size)),
            ("send_batch_max_size", Yaml::Int(self.max_size)),
        ]);
        ("batch", config)
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let body = vec![
            attribute("timeout", Expr::text(self.timeout.as_str())),
            attribute("send_batch_size", Expr::token(self.size)),
            attribute("send_batch_max_size", Expr::token(self.max_size)),
        ];
        ("otelcol.processor.batch", body)
    }

    fn run(&self, _: &mut Telemetry, _: &mut Trial) {}
}
