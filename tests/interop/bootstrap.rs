//! What the page prints for a host, pasted as it is printed.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use linkmesh_proto::{api::collector::Bootstrap, install::script};

use super::{
    delivery::Scene,
    programs::{CURRENT, OLDER, alone, pair},
    supervisor::Supervisor,
};
use crate::{
    alloy_syntax::{layout, parse},
    support::server::Server,
};

/// A supervisor that is started with the printed files by the printed command connects, and ends by the printed signal.
async fn connects_as_printed(version: &'static str) {
    let Some(pair) = pair(version) else { return };
    let test = if version == CURRENT {
        "interop::bootstrap::the_printed_files_start_a_supervisor_that_connects"
    } else {
        "interop::bootstrap::the_printed_files_start_an_older_supervisor_that_connects"
    };
    if !alone(test) {
        return;
    }
    let mut scene = Scene::set_as_printed(&pair).await;
    let called = scene.supervisor.called();
    let commands: Vec<&str> = called.iter().map(String::as_str).filter(|call| !call.contains("/dev/stdin")).collect();
    assert_eq!(
        commands,
        [
            "id otelcol",
            "useradd --system --home-dir /var/lib/otelcol --shell /usr/sbin/nologin otelcol",
            "install -d -o otelcol -g otelcol -m 0750 /var/lib/otelcol /var/lib/otelcol/supervisor",
            "systemctl daemon-reload",
            "systemctl enable opampsupervisor",
            "systemctl restart opampsupervisor",
        ]
    );
    let token = std::fs::metadata(scene.supervisor.file("etc/opampsupervisor/token.env")).expect("the token's file");
    assert_eq!(token.permissions().mode() & 0o777, 0o600);
    let collector = scene.server.collector_when(&scene.id, "health", |collector| collector["healthy"] == true).await;
    assert_eq!(collector["version"], version);
    assert_eq!(collector["config_state"], "none", "{collector:#}");
    scene.supervisor.stop().await;
    scene.server.collector_when(&scene.id, "absence", |collector| collector["status"] == "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_files_start_a_supervisor_that_connects() {
    connects_as_printed(CURRENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_files_start_an_older_supervisor_that_connects() {
    connects_as_printed(OLDER).await;
}

#[tokio::test]
async fn the_printed_script_names_what_is_missing_changes_nothing_and_leaves_the_shell_alive() {
    let server = Server::start().await;
    let added = server.add_collector("host-1", "otelcol", CURRENT).await;
    let printed = script(&serde_json::from_value(added["bootstrap"].clone()).expect("a bootstrap"));
    let host = Supervisor::host(&server, "host-1");
    let done = host.paste(&format!("{printed}echo \"still here after $?\"\n"));
    assert_eq!(String::from_utf8_lossy(&done.stdout), "still here after 1\n");
    let said = String::from_utf8_lossy(&done.stderr);
    for program in ["/usr/bin/opampsupervisor is missing", "/usr/bin/otelcol-contrib is missing"] {
        assert!(said.contains(program), "{said}");
    }
    assert!(said.contains("/releases/tag/v0.158.0 and paste"), "{said}");
    assert_eq!(host.called(), Vec::<String>::new());
    assert!(!host.file("etc").exists(), "files were written");
}

#[tokio::test]
async fn the_printed_script_puts_the_files_of_an_alloy_on_the_host_to_the_byte() {
    let server = Server::start().await;
    let added = server.add_collector("db-1", "alloy", "1.15.0").await;
    let bootstrap: Bootstrap = serde_json::from_value(added["bootstrap"].clone()).expect("a bootstrap");
    let host = Supervisor::host(&server, "db-1");
    host.bring_program("/usr/bin/alloy", Path::new("/bin/true"));
    let done = host.paste(&script(&bootstrap));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for file in &bootstrap.files {
        let path = host.place(&file.path);
        let written = std::fs::read_to_string(&path).expect("a file of the bootstrap");
        assert_eq!(written, host.moved(&file.content), "{}", file.path);
        let mode = std::fs::metadata(&path).expect("its permissions").permissions().mode() & 0o7777;
        assert_eq!(format!("{mode:04o}"), file.mode, "{}", file.path);
    }
    // Alloys up to 1.15 send the whole file as their bearer when they push their metrics.
    let token = std::fs::read_to_string(host.place("/etc/alloy/linkmesh.token")).expect("the token's file");
    assert_eq!(token, token.trim(), "a header cannot hold a line feed");
    assert!(host.called().contains(&"systemctl restart alloy".to_owned()), "{:?}", host.called());
}

#[tokio::test]
async fn an_independent_reader_accepts_the_printed_config_of_an_alloy() {
    let server = Server::start().await;
    let added = server.add_collector("a \"name\" // of */ many { signs", "alloy", "1.18.0").await;
    let files = added["bootstrap"]["files"].as_array().expect("files");
    let config = files.iter().find(|file| file["path"] == "/etc/alloy/config.alloy").expect("config.alloy");
    let text = config["content"].as_str().expect("a text");
    let body = parse(text).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"));
    assert_eq!(body.len(), 8, "a block for each part of polling and pushing:\n{text}");
    assert_eq!(layout(text), Vec::<String>::new(), "{text}");
}
