use super::*;
use crate::{
    domain::document::strict,
    render::alloy::{Statement, parse},
};

fn of_yaml(kind: &str, text: &str) -> Result<(), String> {
    check_yaml(kind, &strict::yaml(text).unwrap())
}

fn of_alloy(text: &str) -> Result<(), String> {
    match parse::body(text).unwrap().pop() {
        Some(Statement::Block(block)) => check_alloy(&block),
        _ => panic!("{text}"),
    }
}

#[test]
fn files_with_secrets_are_refused_and_logs_pass() {
    for (kind, text) in [
        ("filelog", "{include: [/var/log/x, /etc/./shadow]}"),
        ("filelog", "{include: ['${env:NONE}/etc/shadow']}"),
        ("filelog", "{include: [etc/shadow]}"),
        ("otlpjsonfile", "{include: [/proc/self/environ]}"),
        ("other", "{include: [/proc/self/environ]}"),
        ("receiver_creator", "{receivers: {filelog/a: {config: {include: ['etc/*']}}}}"),
        ("file", "{path: /etc/cron.d/x}"),
    ] {
        assert!(of_yaml(kind, text).is_err(), "{kind} {text}");
    }
    for (kind, text) in [
        ("filelog", "{include: [/var/log/**/*.log], exclude: [/etc/x]}"),
        ("other", "{include: [pod], path: /etc/x}"),
        ("file", "{path: /var/lib/telemetry/out.json}"),
    ] {
        assert_eq!(of_yaml(kind, text), Ok(()), "{kind} {text}");
    }
    for text in [
        "otelcol.receiver.filelog {\n\tinclude = [\"/etc//shadow\"]\n}",
        "otelcol.receiver.filelog {\n\tinclude = [\"/etc/\" + \"shadow\"]\n}",
        "otelcol.receiver.filelog {\n\tinclude = [\"/\\x65tc/shadow\"]\n}",
        "otelcol.exporter.file {\n\tpath = \"/etc/x\"\n}",
    ] {
        assert!(of_alloy(text).is_err(), "{text}");
    }
    assert_eq!(of_alloy("otelcol.receiver.filelog {\n\tinclude = [\"/var/log/*.log\"]\n}"), Ok(()));
}

#[test]
fn no_operator_writes_files_or_reads_secrets() {
    for (kind, text) in [
        ("filelog", "{include: [/var/log/x], operators: [{type: file_output, path: /etc/cron.d/x}]}"),
        ("syslog", "{operators: [{type: noop}, {type: file_output, path: '${env:NONE}/etc/cron.d/x'}]}"),
        ("tcplog", "{operators: [{type: '${env:NONE:-file_output}', path: /etc/cron.d/x}]}"),
        ("tcplog", "{operators: ['${env:NONE:-{type: file_output, path: /etc/cron.d/x}}']}"),
        ("tcplog", r#"{operators: "${env:A:-${env:B:-- type: file_output\n  path: /etc/x}}"}"#),
        ("tcplog", r#"{operators: ["${env:NONE:-type: file_output\npath: /etc/cron.d/x}"]}"#),
        ("tcplog", "{operators: [{type: file_input, include: [etc/shadow]}]}"),
        ("tcplog", "{operators: [{type: namedpipe, path: /etc/x}]}"),
        ("other", "{a: {b: [{type: file_output, path: /root/.bashrc}]}}"),
        ("receiver_creator", "{receivers: {syslog: {config: {operators: [{type: file_output, path: /usr/bin/x}]}}}}"),
    ] {
        assert!(of_yaml(kind, text).is_err(), "{kind} {text}");
    }
    assert_eq!(
        of_yaml("filelog", "{operators: [{type: file_output, path: /etc/cron.d/x}]}").unwrap_err(),
        "`operators[0].path` of `file_output`: /etc/cron.d/x: would be written over \
         /{etc,boot,bin,sbin,lib,lib32,lib64,libx32,usr}/**/*: files of the system"
    );
    let text =
        "{include: [/var/log/x], operators: [{type: file_output, path: /var/log/copy.json}, {type: json_parser}]}";
    assert_eq!(of_yaml("filelog", text), Ok(()));
    for value in ["path = \"/etc/cron.d/x\"", "path = \"/etc/\" + \"cron.d/x\"", "path = sys.env(\"X\")"] {
        let text = format!("otelcol.receiver.filelog {{\n\toperators = [{{type = \"file_output\", {value}}}]\n}}");
        assert!(of_alloy(&text).is_err(), "{text}");
    }
}

#[test]
fn no_program_is_chosen() {
    for (kind, text) in [
        ("journald", "{journalctl_path: /x/evil.sh}"),
        ("journald", "{root_path: /host}"),
        ("journald", "{journalctl_path: '${env:X:-/x/evil.sh}'}"),
        ("tcplog", "{operators: [{type: journald_input, root_path: /x}]}"),
        ("receiver_creator", "{receivers: {journald/a: {config: {root_path: /x}}}}"),
    ] {
        let error = of_yaml(kind, text).unwrap_err();
        assert!(error.contains("which program") && error.contains("_path` of `journald"), "{error}");
    }
    assert_eq!(
        of_yaml("journald", "{journalctl_path: journalctl, root_path: '', directory: /var/log/journal}"),
        Ok(())
    );
    assert_eq!(of_yaml("hostmetrics", "{root_path: /hostfs, scrapers: {cpu: }}"), Ok(()));
}

#[test]
fn no_file_of_secrets_is_sent() {
    for (kind, text) in [
        ("prometheus", "{config: {scrape_configs: [{authorization: {credentials_file: /etc/shadow}}]}}"),
        ("prometheus", "{config: {scrape_configs: [{basic_auth: {password_file: /etc/opampsupervisor/token}}]}}"),
        ("prometheus", "{config: {scrape_configs: [{file_sd_configs: [{files: [/root/x.json]}]}]}}"),
        ("prometheus", "{config: {scrape_configs: [{http_headers: {X: {files: [etc/shadow]}}}]}}"),
        ("prometheus", "{config: {scrape_configs: [{bearer_token_file: '${env:NONE:-/etc/shadow}'}]}}"),
        ("prometheus", "{config: {scrape_configs: ['${env:NONE:-{bearer_token_file: /etc/shadow}}']}}"),
        ("otlp", "{tls: {ca_file: /var/lib/linkmesh/secret.key}}"),
        ("other", "{filename: /proc/self/environ}"),
        ("other", "{key_path: /home/a/.ssh/id_rsa}"),
        ("other", "{path: '${env:A:-/etc}/shadow'}"),
        ("other", "{directory: /root}"),
        ("prometheus", "{config: {global: {scrape_failure_log_file: /etc/cron.d/x}}}"),
        ("prometheusremotewrite", "{wal: {directory: /etc/cron.d}}"),
        ("receiver_creator", "{receivers: {filelog: {config: {include: ['/`x`/shadow']}}}}"),
        ("receiver_creator", r#"{receivers: {filelog: {config: {include: ['/var/log/`"../../etc/shadow"`']}}}}"#),
        ("sqlquery", "{driver: mysql, datasource: 'u:p@tcp(h)/d?allowAllFiles=true'}"),
        ("sqlquery", "{driver: mysql, additional_params: {allowAllFiles: 'true'}}"),
    ] {
        assert!(of_yaml(kind, text).is_err(), "{kind} {text}");
    }
    for (kind, text) in [
        ("prometheus", "{config: {scrape_configs: [{file_sd_configs: [{files: [/etc/prometheus/targets/*.json]}]}]}}"),
        (
            "prometheus",
            "{config: {scrape_configs: [{metrics_path: /metrics/, tls_config: {ca_file: /etc/ssl/ca.pem}}]}}",
        ),
        ("otlp", "{tls: {cert_file: /etc/ssl/private/a.pem, key_file: '${env:KEY}', ca_file: /etc/otelcol/ca.pem}}"),
        ("filelog", "{include: [/var/log/x], include_file_path: true, storage: file_storage/queue}"),
        ("receiver_creator", "{receivers: {filelog: {config: {include: ['/var/log/pods/*/`container_name`/*.log']}}}}"),
        ("prometheusremotewrite", "{wal: {directory: /var/lib/otelcol/wal}}"),
        ("prometheus", "{config: {scrape_configs: [{bearer_token_file: ''}]}}"),
        ("webhookevent", "{path: '${env:PATH_OF_HOOK}', health_path: /health}"),
    ] {
        assert_eq!(of_yaml(kind, text), Ok(()), "{kind} {text}");
    }
    for value in [
        "bearer_token_file = \"/etc/shadow\"",
        "tls {\n\t\tca_file = \"/var/lib/linkmesh/secret.key\"\n\t}",
        "targets = [{__path__ = \"/etc/shadow\"}]",
        "targets = [{\"filename\" = \"/etc/\" + \"shadow\"}]",
        "password_file = file.path_join(\"/etc\", \"shadow\")",
        "credentials_file = sys.env(\"X\")",
    ] {
        let text = format!("otelcol.receiver.other {{\n\t{value}\n}}");
        assert!(of_alloy(&text).is_err(), "{text}");
    }
    let text = "otelcol.receiver.otlp {\n\thttp {\n\t\ttls {\n\t\t\tca_file = sys.env(\"CA\")\n\t\t\tkey_file = \
                \"/etc/ssl/a.key\"\n\t\t}\n\t}\n}";
    assert_eq!(of_alloy(text), Ok(()));
}

#[test]
fn defaults_are_what_is_left() {
    for (text, expected) in [
        ("a", "a"),
        ("} ${env:X:-/etc}/b", "} /etc/b"),
        ("${env:A:-x${env:B:-y}}z", "xyz"),
        ("${env:A}${env:B:-}", ""),
        ("${env:A", "${env:A"),
    ] {
        assert_eq!(given::unset(text), expected);
    }
    assert!(given::unset(&"${a:-".repeat(20_000)).len() > 90_000);
}
