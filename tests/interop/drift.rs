//! What a real collector says of every example of the catalogue, compared with what was committed.

use std::{
    path::Path,
    process::{Command, Output},
};

use linkmesh_actors::domain::drift::Committed;

use super::{
    catalogue::examples,
    programs::{CURRENT, OLDER, Pair, pair},
};
use crate::support::server::Server;

/// What a collector that runs this text would report: the words of its extension `opamp` are those of this command.
/// `None` when its build lacks a component.
fn reported(pair: &Pair, file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).expect("a document");
    let variables = text.split("${env:").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| (name, "x"));
    let mut command = Command::new(&pair.collector);
    command.arg("print-config").arg("--config").arg(file);
    if pair.version == OLDER {
        command.arg("--feature-gates=otelcol.printInitialConfig");
    }
    let Output { status, stdout, stderr } = command.envs(variables).output().expect("otelcol runs");
    if status.success() {
        return Some(String::from_utf8(stdout).expect("a text"));
    }
    let words = String::from_utf8_lossy(&stderr);
    assert!(words.contains("unknown type: \""), "otelcol {}:\n{words}\n{text}", pair.version);
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_is_found_in_what_a_collector_says_of_it() {
    let (Some(current), Some(older)) = (pair(CURRENT), pair(OLDER)) else { return };
    let server = Server::start().await;
    let file = server.folder().join("example.yaml");
    let mut wrong = Vec::new();
    let dump = std::env::var_os("DRIFT_DUMP").map(std::path::PathBuf::from);
    for (number, example) in examples(&server).await.into_iter().enumerate() {
        let Some(text) = example.preview["otelcol"].as_str() else { continue };
        std::fs::write(&file, text).expect("a file");
        let committed = Committed::parse(text).expect("YAML");
        if let Some(dump) = &dump {
            std::fs::write(dump.join(format!("{number:03}.name")), &example.name).unwrap();
            std::fs::write(dump.join(format!("{number:03}.desired.yaml")), text).unwrap();
        }
        for pair in [&current, &older] {
            let Some(running) = reported(pair, &file) else { println!("not in {}: {}", pair.version, example.name); continue };
            if let Some(dump) = &dump {
                std::fs::write(dump.join(format!("{number:03}.{}.yaml", pair.version)), &running).unwrap();
            }
            for difference in committed.differences(&running).expect("YAML") {
                wrong.push(format!("{} {}: {difference:?}", pair.version, example.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
