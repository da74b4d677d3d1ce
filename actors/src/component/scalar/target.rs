//! Checks of what destinations send to: servers by host and port, buckets, tables.

/// Takes a server apart: `otlp.example.com:4317`, `[::1]:4317`.
///
/// # Errors
/// What is wrong, for a person.
pub fn host_port(text: &str) -> Result<(&str, u16), String> {
    if text.contains("://") {
        return Err("must be a host and a port, without a scheme".to_owned());
    }
    match super::listen_address(text) {
        Ok(("", _)) => Err("needs a host".to_owned()),
        Ok(server) => Ok(server),
        Err(reason) if reason.contains("0.0.0.0") => Err("must be a host and a port such as kafka-1:9092".to_owned()),
        Err(reason) => Err(reason),
    }
}

/// A gRPC server without the scheme that may stand before it: upstream takes both, and goes by the scheme.
#[must_use]
pub fn without_scheme(text: &str) -> &str {
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text)
}

/// Checks a gRPC server: host and port, with or without `https://` or `http://` before them.
///
/// # Errors
/// What is wrong, for a person.
pub fn grpc_endpoint(text: &str) -> Result<(), String> {
    let server = without_scheme(text);
    if server.contains('/') && !server.contains("://") {
        return Err("must be a host and a port, without a path".to_owned());
    }
    host_port(server).map(|_| ()).map_err(|reason| reason.replace("kafka-1:9092", "otlp.example.com:4317"))
}

/// Checks a ClickHouse server: `https://`, `http://` or, for the native protocol, `tcp://`, then host and port.
///
/// # Errors
/// What is wrong, for a person.
pub fn clickhouse_endpoint(text: &str) -> Result<(), String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    if !["https", "http", "tcp"].contains(&scheme) {
        return Err("must begin with https://, http:// or tcp://".to_owned());
    }
    if rest.contains('@') {
        return Err("must not hold a user or password; they have fields of their own".to_owned());
    }
    if rest.contains(['/', '?', '#']) {
        return Err("must end after the port; the database has a field of its own".to_owned());
    }
    host_port(rest).map(|_| ()).map_err(|reason| reason.replace("kafka-1:9092", "clickhouse.example.com:9440"))
}

/// Checks the name of an S3 bucket by the rules of AWS.
///
/// # Errors
/// What is wrong, for a person.
pub fn s3_bucket(text: &str) -> Result<(), String> {
    let end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if !(3..=63).contains(&text.len()) {
        return Err("must have 3 to 63 characters".to_owned());
    }
    if !text.bytes().all(inner) {
        return Err("may hold small letters, digits, dots and hyphens".to_owned());
    }
    if !end(text.bytes().next()) || !end(text.bytes().next_back()) || text.contains("..") {
        return Err("must begin and end with a letter or digit, and have something between two dots".to_owned());
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() { Err("must not look like an address".to_owned()) } else { Ok(()) }
}

/// Checks a path inside a bucket: no slash at its ends, nothing that a key should not hold.
///
/// # Errors
/// What is wrong, for a person.
pub fn s3_prefix(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()/=%".contains(c);
    if text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        return Err("must not begin or end with a slash, nor hold two in a row".to_owned());
    }
    if text.chars().all(allowed) { Ok(()) } else { Err("may hold letters, digits, slashes and !-_.*'()=%".to_owned()) }
}

/// Checks the ARN of a role: `arn:aws:iam::123456789012:role/name`.
///
/// # Errors
/// What is wrong, for a person.
pub fn role_arn(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        ["arn", partition, "iam", "", account, role]
            if partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && role.len() > "role/".len()
                && role.starts_with("role/")
                && role.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b)) =>
        {
            Ok(())
        }
        _ => Err("must be the ARN of a role such as arn:aws:iam::123456789012:role/telemetry".to_owned()),
    }
}

/// Checks the name of a Prometheus label.
///
/// # Errors
/// What is wrong, for a person.
pub fn label_name(text: &str) -> Result<(), String> {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
        Ok(())
    } else {
        Err("a label's name holds letters, digits and _, and does not begin with a digit".to_owned())
    }
}

/// Checks the name of a table or database: it stands unquoted in SQL.
///
/// # Errors
/// What is wrong, for a person.
pub fn sql_name(text: &str) -> Result<(), String> {
    label_name(text).map_err(|_| "may hold letters, digits and _, and must not begin with a digit".to_owned())
}

/// Checks the name of a Kafka topic.
///
/// # Errors
/// What is wrong, for a person.
pub fn kafka_topic(text: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text == "." || text == ".." || text.len() > 249 || !text.bytes().all(allowed) {
        return Err("a topic's name holds up to 249 letters, digits, dots, _ and -".to_owned());
    }
    Ok(())
}

/// Checks the name of an index or data stream of Elasticsearch or OpenSearch.
///
/// # Errors
/// What is wrong, for a person.
pub fn index_name(text: &str) -> Result<(), String> {
    let wrong = |c: char| c.is_control() || c.is_whitespace() || c.is_uppercase() || "\\/*?\"<>|,#:%".contains(c);
    if text.starts_with(['-', '_', '+', '.']) {
        return Err("must not begin with -, _, + or a dot".to_owned());
    }
    if text.len() > 255 || text.contains(wrong) {
        return Err("may hold up to 255 small letters, digits and signs such as - and _".to_owned());
    }
    Ok(())
}

/// Checks the name of a tenant of Loki, Tempo or Mimir; several are joined by `|`.
///
/// # Errors
/// What is wrong, for a person.
pub fn tenant(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()|".contains(c);
    if text != "." && text != ".." && text.chars().all(allowed) {
        Ok(())
    } else {
        Err("may hold letters, digits and !-_.*'()".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(check: fn(&str) -> Result<(), String>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in bad {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn servers_have_a_host_and_a_port() {
        all(
            |text| host_port(text).map(|_| ()),
            &["kafka-1:9092", "[::1]:9092", "10.0.0.1:1"],
            &["", "kafka", ":9092", "kafka:0", "kafka:99999", "tcp://kafka:9092", "a b:1", "a/b:1", "u@h:1"],
        );
        assert_eq!(host_port("kafka").unwrap_err(), "must be a host and a port such as kafka-1:9092");
    }

    #[test]
    fn grpc_servers_may_have_a_scheme_and_no_path() {
        all(
            grpc_endpoint,
            &["otlp.example.com:4317", "https://otlp.example.com:443", "http://[::1]:4317"],
            &["otlp.example.com", "https://h", "https://h:1/path", "dns:///h:1", "https://https://h:1", "h:1?x"],
        );
        assert_eq!(without_scheme("http://h:1"), "h:1");
    }

    #[test]
    fn clickhouse_servers_hold_neither_password_nor_database() {
        all(
            clickhouse_endpoint,
            &["https://h:8443", "tcp://h:9000", "http://[::1]:8123"],
            &["h:9000", "tcp://u:p@h:9000", "tcp://h:9000/db", "tcp://h:9000?password=x", "tcp://h", "mysql://h:1"],
        );
    }

    #[test]
    fn buckets_have_names_of_aws() {
        all(
            s3_bucket,
            &["logs", "my-logs.eu-1", "a1b"],
            &["", "ab", "Logs", "my_logs", "-logs", "logs-", "a..b", "10.0.0.1", &"a".repeat(64)],
        );
        all(s3_prefix, &["otel", "otel/prod", "year=%Y/month=%m"], &["/otel", "otel/", "a//b", "a b", "a\\b", "a$b"]);
    }

    #[test]
    fn roles_are_arns() {
        all(
            role_arn,
            &["arn:aws:iam::123456789012:role/telemetry", "arn:aws-cn:iam::123456789012:role/a/b"],
            &["", "telemetry", "arn:aws:iam::1:role/x", "arn:aws:s3:::bucket", "arn:aws:iam::123456789012:role/"],
        );
    }

    #[test]
    fn names_of_labels_tables_topics_and_indices_are_plain() {
        all(label_name, &["env", "_x1"], &["", "1a", "a-b", "a.b", "ä"]);
        all(sql_name, &["otel_logs"], &["otel.logs", "x; DROP TABLE y", "`x`", ""]);
        all(kafka_topic, &["otlp_logs", "a.b-c"], &["..", "a b", "a/b", &"x".repeat(250)]);
        all(tenant, &["team-a", "1|2"], &["..", "a b", "a/b", "ä"]);
        all(index_name, &["logs-generic-default", "traces"], &["_x", "Logs", "a b", "a*", "a/b", &"x".repeat(256)]);
    }
}
