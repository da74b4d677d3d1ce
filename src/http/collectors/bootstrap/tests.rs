use linkmesh_actors::domain::document::parse_settings;

use super::*;

const TOKEN: &str = "lmct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn host<'a>(runtime: Runtime, version: Option<&'a str>) -> Host<'a> {
    Host {
        id: CollectorId::from_bytes([7; 16]),
        name: "web 1\nEvil: line",
        runtime,
        version,
        stability: Stability::PublicPreview,
        token: TOKEN,
    }
}

fn text(bootstrap: &Bootstrap) -> String {
    let mut text = String::new();
    for program in &bootstrap.programs {
        text.push_str(&format!("=== {}: {} from {}\n", program.path, program.name, program.source));
    }
    for file in &bootstrap.files {
        let kept = file.keep_as.as_ref().map_or_else(String::new, |kept| format!(", before kept as {kept}"));
        text.push_str(&format!("=== {} {}{kept}\n{}\n", file.mode, file.path, file.content));
    }
    text.push_str("=== commands\n");
    text.push_str(&bootstrap.commands.join("\n"));
    text
}

fn private_authority() -> Edge {
    Edge { authority_pem: Some("-----BEGIN CERTIFICATE-----\n".into()), ..Edge::at("https://lm.example.org") }
}

#[test]
fn otelcol_bootstrap_is_right_for_the_pinned_version() {
    insta::assert_snapshot!(text(&of(&Edge::at("http://127.0.0.1:8080"), &host(Runtime::Otelcol, Some("0.158.0")))));
}

#[test]
fn otelcol_bootstrap_is_right_for_the_older_version() {
    insta::assert_snapshot!(text(&of(&Edge::at("http://127.0.0.1:8080"), &host(Runtime::Otelcol, Some("v0.149.0")))));
}

#[test]
fn otelcol_bootstrap_verifies_a_private_authority() {
    insta::assert_snapshot!(text(&of(&private_authority(), &host(Runtime::Otelcol, None))));
}

#[test]
fn alloy_bootstrap_polls_and_pushes_its_own_metrics() {
    insta::assert_snapshot!(text(&of(&Edge::at("https://lm.example.org"), &host(Runtime::Alloy, Some("1.18.0")))));
}

#[test]
fn alloy_bootstrap_verifies_a_private_authority() {
    insta::assert_snapshot!(text(&of(&private_authority(), &host(Runtime::Alloy, None))));
}

#[test]
fn supervisor_gets_only_keys_that_its_version_knows() {
    for (version, reports, rollback) in [
        ("0.149.0", true, false),
        ("0.158.0", true, true),
        ("0.160.1", true, true),
        ("0.161.0", false, true),
        ("0.165.0", false, true),
        ("1.2.0", false, true),
        ("nonsense", true, true),
    ] {
        let bootstrap = of(&Edge::at("http://127.0.0.1:8080"), &host(Runtime::Otelcol, Some(version)));
        let file = bootstrap.files.iter().find(|file| file.path.ends_with("supervisor.yaml")).unwrap();
        let yaml = &file.content;
        assert_eq!(yaml.contains("reports_remote_config"), reports, "{version}");
        assert_eq!(yaml.contains("automatic_config_rollback"), rollback, "{version}");
        assert!(!yaml.contains("validate_config:"), "{version}");
        // Strict YAML, and one mapping: the parser stops at a doubled key or a stray line of the name.
        let problems = parse_settings(yaml).expect_err("these are no settings of ours");
        assert!(problems.iter().all(|problem| problem.code != "invalid_yaml"), "{problems:?}");
    }
}

#[test]
fn alloy_starts_with_a_stability_level_at_which_its_version_has_remotecfg() {
    use Stability::{Experimental, GenerallyAvailable, PublicPreview};
    for (version, chosen, level, advice) in [
        (None, GenerallyAvailable, "generally-available", None),
        (Some("1.18.0"), GenerallyAvailable, "generally-available", None),
        (Some("v1.7.0"), GenerallyAvailable, "generally-available", None),
        (Some("1.6.1"), GenerallyAvailable, "public-preview", Some("public preview")),
        (Some("v1.5"), PublicPreview, "public-preview", Some("public preview")),
        (Some("1.6.0"), Experimental, "experimental", Some("public preview")),
        (Some("1.8.0"), GenerallyAvailable, "generally-available", Some("1.8.1 or newer")),
        (Some("1.8.0-rc.1"), GenerallyAvailable, "generally-available", Some("1.8.1 or newer")),
        (Some("1.8.3"), GenerallyAvailable, "generally-available", None),
        (Some("2.0.0"), GenerallyAvailable, "generally-available", None),
        (Some("nonsense"), GenerallyAvailable, "generally-available", None),
    ] {
        let host = Host { stability: chosen, ..host(Runtime::Alloy, version) };
        let bootstrap = of(&Edge::at("https://lm.example.org"), &host);
        let flag = format!("--stability.level={level} ");
        let unit = bootstrap.files.iter().find(|file| file.path.ends_with("linkmesh.conf")).unwrap();
        assert!(unit.content.contains(&flag) && bootstrap.commands.iter().any(|c| c.contains(&flag)), "{version:?}");
        let config = bootstrap.files.iter().find(|file| file.path.ends_with("config.alloy")).unwrap();
        let said: Vec<_> = config.content.lines().filter(|line| line.starts_with("// Alloy ")).collect();
        assert_eq!(said.len(), usize::from(advice.is_some()), "{version:?}: {said:?}");
        assert!(advice.is_none_or(|advice| said[0].contains(advice)), "{said:?}");
    }
}

#[test]
fn programs_are_named_with_where_they_are_published() {
    let sources = |runtime, version| -> Vec<String> {
        let bootstrap = of(&Edge::at("https://lm.example.org"), &host(runtime, version));
        bootstrap.programs.into_iter().map(|program| format!("{} {}", program.name, program.source)).collect()
    };
    const OTELCOL: &str = "https://github.com/open-telemetry/opentelemetry-collector-releases/releases";
    const ALLOY: &str = "https://github.com/grafana/alloy/releases";
    assert_eq!(
        sources(Runtime::Otelcol, Some("v0.149.0")),
        [
            format!("opampsupervisor 0.149.0 {OTELCOL}/tag/cmd%2Fopampsupervisor%2Fv0.149.0"),
            format!("otelcol-contrib 0.149.0 {OTELCOL}/tag/v0.149.0"),
        ]
    );
    assert_eq!(sources(Runtime::Alloy, Some("1.18.0")), [format!("Grafana Alloy 1.18.0 {ALLOY}/tag/v1.18.0")]);
    // Of what is no release there is no page.
    for version in [None, Some("nonsense"), Some("1.18"), Some("1.18.0'; reboot #")] {
        assert_eq!(sources(Runtime::Alloy, version), [format!("Grafana Alloy {ALLOY}")]);
    }
}

#[test]
fn what_an_owner_may_have_written_is_kept_and_tokens_are_not() {
    let kept = |runtime| -> Vec<_> {
        let bootstrap = of(&Edge::at("https://lm.example.org"), &host(runtime, None));
        bootstrap
            .files
            .into_iter()
            .filter(|file| !file.content.contains(TOKEN))
            .filter_map(|file| file.keep_as)
            .collect()
    };
    assert_eq!(kept(Runtime::Alloy), ["/etc/alloy/config.alloy.before-linkmesh"]);
    assert_eq!(
        kept(Runtime::Otelcol),
        [
            "/etc/opampsupervisor/supervisor.yaml.before-linkmesh",
            "/etc/systemd/system/opampsupervisor.service.before-linkmesh",
        ]
    );
}

#[test]
fn token_stands_in_one_file_that_others_cannot_read() {
    for runtime in [Runtime::Otelcol, Runtime::Alloy] {
        let bootstrap = of(&Edge::at("https://lm.example.org"), &host(runtime, None));
        let holders: Vec<_> = bootstrap.files.iter().filter(|file| file.content.contains(TOKEN)).collect();
        assert_eq!(holders.len(), 1);
        assert_eq!((holders[0].mode.as_str(), &holders[0].keep_as), ("0600", &None));
        assert!(bootstrap.commands.iter().all(|command| !command.contains(TOKEN)));
    }
}

#[test]
fn name_in_a_comment_stays_one_line_whatever_ends_a_line() {
    for end in ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'] {
        assert_eq!(comment(&format!("a{end}b: c")), "a b: c", "{end:?}");
    }
}
